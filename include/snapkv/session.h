#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/model.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// Which implementation computes attention.
enum class AttentionPath {
    Cpu,       ///< the project's own kernels
    Portable,  ///< ggml's own operations, the reference that works on every ggml backend
};

/// How the products of a prefill are computed.
enum class ProductPath {
    Auto,        ///< the fastest that can be had: Int8 for quantised weights (on a processor with AMX Widened), else
                 ///< Widened, else Stored
    Stored,      ///< ggml's, on the weights as they are stored
    Int8,        ///< own, on one layer's weights at a time, as 8-bit integers with a scale for each 32; rounds inputs
                 ///< as ggml does, and weights that are not Q4_0, Q5_0, Q8_0 or IQ4_NL
    Widened,     ///< oneDNN's, on one layer's weights at a time, widened to bf16 (where the processor multiplies it) or
                 ///< f32: nearer to float32 than Int8
    WidenedF32,  ///< the same, to f32 in any case: what the others are judged by
};

struct SessionOptions {
    std::uint32_t threads = 0;        ///< for decode; 0: the cores this process may use
    std::uint32_t threads_batch = 0;  ///< for prefill; 0: as many as `threads`
    std::uint32_t batch = 512;        ///< tokens of a prefill chunk
    std::uint32_t context = 0;        ///< tokens of prompt and answer together; 0: the trained context
    bool allow_long = false;          ///< permits a context beyond the trained one
    AttentionPath attention = AttentionPath::Cpu;
    ProductPath products = ProductPath::Auto;
    /// Polled at least once a tile of attention and once a graph node. When it becomes true the work at hand ends
    /// within a second with what it has. May be null; must outlive the session.
    const std::atomic<bool> * stop = nullptr;
    /// Receives one line for each choice worth knowing, without a newline.
    std::function<void(std::string_view)> log = {};
};

/// What one query attends to in one layer, exactly as a prefill computes it.
struct AttentionRow {
    std::uint32_t layer = 0;
    std::uint32_t kv_head = 0;
    std::uint32_t head = 0;      ///< query head
    std::uint32_t position = 0;  ///< of the query
    /// Softmax in float32 over positions 0 .. `position`: sums to 1, less what a sink takes. Valid within the call.
    std::span<const float> weights;
};

/// Looks at the attention of a prompt's last positions while a prefill has a layer at hand.
struct Observer {
    std::uint32_t positions = 0;  ///< how many, at most the prompt's tokens; 0: nothing is observed
    /// Called layer by layer; within one, for each KV head, positions ascend and the heads of the group follow one
    /// another. Different KV heads come from different threads at once. What it throws ends the prefill.
    std::function<void(const AttentionRow &)> row = {};
};

/// One prompt of a prefill, with the cache it is to end up with.
struct Branch {
    Prompt prompt;
    CacheConfig cache;
    Observer observer = {};
};

struct PrefillProgress {
    std::uint64_t units_done = 0;  ///< units of (layer, token); rate and time left follow from their share
    std::uint64_t units_total = 0;
    std::uint32_t layer = 0;  ///< layers finished
    std::uint32_t layers = 0;
    std::uint64_t tokens = 0;  ///< tokens of trunk and branches, each counted once
    double seconds = 0;
    double seconds_left = 0;
};

/// Memory in bytes that a run takes beyond the mapped model file, and the time of its prefill.
struct Estimate {
    std::uint64_t prompt_tokens = 0;  ///< tokens computed: trunk and suffixes, each once
    std::uint64_t hidden_bytes = 0;
    std::uint64_t cache_bytes = 0;    ///< peak K/V: one layer's working rows and all kept rows
    std::uint64_t compute_bytes = 0;  ///< graph buffers and scratch
    std::uint64_t bytes_needed = 0;   ///< the sum, and the answer's rows
    double seconds = 0;
};

struct PrefillStats {
    std::uint64_t trunk_tokens = 0;
    std::uint64_t computed_tokens = 0;
    double prompt_ms = 0;    ///< compress_ms included
    double compress_ms = 0;  ///< votes, selection and compaction, all branches
    std::vector<double> branch_compress_ms;
    std::uint64_t cache_bytes_peak = 0;      ///< most K/V bytes alive at any moment
    std::uint64_t accounted_bytes_peak = 0;  ///< the engine's own sum: hidden states, K/V, scratch, compute buffers
    std::uint64_t rss_anon_growth = 0;  ///< peak growth of anonymous resident memory, sampled at each (layer, chunk)
    bool interrupted = false;
};

struct PrefillResult {
    std::vector<Sequence> sequences;  ///< one a branch, in order; none if interrupted
    PrefillStats stats;
};

struct SamplingOptions {
    float temperature = 0;  ///< 0: greedy
    std::int32_t top_k = 40;
    float top_p = 0.95F;
    float min_p = 0.05F;
    float repeat_penalty = 1.0F;
    std::int32_t repeat_last = 64;    ///< tokens the penalty looks at, prompt included
    std::uint32_t seed = 0xFFFFFFFF;  ///< 0xFFFFFFFF: a random one
};

struct GenerateOptions {
    std::int64_t max_tokens = -1;  ///< -1: to the end of generation or of the context
    SamplingOptions sampling;
    std::vector<std::string> stop;
};

enum class StopReason { EndOfGeneration, Length, StopString, Interrupt };

struct Generation {
    std::string text;           ///< valid UTF-8, cut before a stop string
    std::vector<Token> tokens;  ///< without the end token; the token that completes a stop string stays
    StopReason reason = StopReason::Length;
    std::uint64_t decode_steps = 0;
    double predicted_ms = 0;
};

struct AppendStats {
    std::uint64_t tokens = 0;  ///< tokens computed, a pending sampled one included
    double ms = 0;
    bool interrupted = false;
};

struct PerplexityResult {
    double perplexity = 0;
    std::uint64_t tokens = 0;  ///< tokens scored
    std::uint32_t chunks = 0;  ///< chunks finished
    bool interrupted = false;
};

/// Runs a model: prefills, generates, appends, saves. Holds the thread pool and the graphs. One call at a time;
/// sessions of one model are independent.
class SNAPKV_API Session {
public:
    /// Throws Error(Usage) for options that contradict the model (a context beyond the trained one without
    /// allow_long) and Error(Machine) where threads or memory cannot be had.
    explicit Session(Model model, const SessionOptions & options = {});
    Session(Session &&) noexcept;
    Session & operator=(Session &&) noexcept;
    ~Session();

    [[nodiscard]] const Model & model() const;
    [[nodiscard]] std::uint32_t context() const;           ///< tokens, as in force
    [[nodiscard]] const SessionOptions & options() const;  ///< as in force: no zeros left
    /// Most K/V bytes alive at any moment since the last prefill or filling began, all sequences of this session
    /// together.
    [[nodiscard]] std::uint64_t cache_bytes_peak() const;

    /// What prefill(branches) and max_tokens further tokens each will take. Checks the configurations as prefill does.
    /// Measures the machine's speed at the first call; where the stop flag is set meanwhile, `seconds` stays 0.
    [[nodiscard]] Estimate estimate(std::span<const Branch> branches, std::int64_t max_tokens = -1) const;

    /// Prefills the branches' longest common prefix once and each branch's own suffix against it, layer by layer, and
    /// leaves each with the cache that its configuration asks for. Throws Error(Usage) for a configuration that
    /// contradicts itself, Error(Input) for an empty prompt or one beyond the context, Error(Machine) where memory
    /// does not suffice (before anything is computed, with the sum).
    [[nodiscard]] PrefillResult prefill(std::span<const Branch> branches,
                                        const std::function<void(const PrefillProgress &)> & progress = {});

    /// A sequence that stands where a prompt of `depth` tokens would have left it, with random tokens and random rows
    /// in place of computed ones: as many as the configuration would keep, at positions spread over the prompt. For
    /// benchmarks and tests, where decode at a depth is wanted without the prefill before it; its logits are zeros and
    /// its text means nothing. The same seed gives the same sequence. Nothing where the stop flag is set. Throws as
    /// prefill() does; a depth of 0 is an empty sequence.
    [[nodiscard]] std::optional<Sequence> filled_sequence(std::uint32_t depth, const CacheConfig & cache,
                                                          std::uint32_t seed = 1);

    /// Samples from the sequence's logits until it ends. `on_text` receives whole UTF-8 characters as they come;
    /// returning false ends the generation as an interrupt.
    [[nodiscard]] Generation generate(Sequence & sequence, const GenerateOptions & options,
                                      const std::function<bool(std::string_view)> & on_text = {});

    /// The tokens of a further user message in the model's chat template, or its bytes where `raw`: what append()
    /// takes. The pending end token is the sequence's own business.
    [[nodiscard]] std::vector<Token> turn_tokens(const Sequence & sequence, std::string_view message, bool raw) const;

    /// Prefills further tokens against the kept rows and the tail, at the next true positions. A sampled token that
    /// has no row yet is fed first; one token alone is a step of decode, with its threads. On interruption the sequence
    /// stands where the last finished chunk left it.
    AppendStats append(Sequence & sequence, std::span<const Token> tokens);

    /// Writes the sequence to a temporary file, syncs and renames it. Throws Error(Machine).
    void save(const Sequence & sequence, const std::filesystem::path & path) const;

    /// Reads a saved sequence. Throws Error(Input) with the reason for a file that is cut, altered, or of another
    /// model or RoPE setting.
    [[nodiscard]] Sequence load(const std::filesystem::path & path) const;

    /// Perplexity with the full cache over chunks of `context` tokens, scoring the second half of each, as
    /// llama.cpp's tool does. `progress` receives chunks done, their number and the perplexity so far.
    [[nodiscard]] PerplexityResult perplexity(
        std::string_view text, std::uint32_t context,
        const std::function<void(std::uint32_t, std::uint32_t, double)> & progress = {});

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace snapkv
