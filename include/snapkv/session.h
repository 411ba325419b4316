#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/call_options.h"
#include "snapkv/document.h"
#include "snapkv/export.h"
#include "snapkv/generation.h"
#include "snapkv/model.h"
#include "snapkv/prefill.h"
#include "snapkv/row_provider.h"
#include "snapkv/scores.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// Which implementation computes attention.
enum class AttentionPath {
    Cpu,       ///< the project's own kernels
    Portable,  ///< ggml's own operations: the reference that the kernels are tested against
};

/// How the products of a prefill are computed.
enum class ProductPath {
    Auto,        ///< the fastest available: Int8 for quantised weights (Widened on a processor with AMX, or with
                 ///< AVX-512 but no VNNI), else Widened, else Stored
    Stored,      ///< ggml's, on the weights as stored
    Int8,        ///< our own, on one layer's weights at a time as 8-bit integers with one scale per 32; rounds inputs
                 ///< as ggml does, and weights unless they are Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 or IQ4_NL; needs AVX2
    Widened,     ///< oneDNN's, on one layer's weights at a time, widened to bf16 (where the processor multiplies it) or
                 ///< f32: closer to float32 than Int8
    WidenedF32,  ///< the same, always in f32: the reference for the others
};

struct SessionOptions {
    std::uint32_t threads = 0;        ///< for decode; 0: as many as the cores this process may use
    std::uint32_t threads_batch = 0;  ///< for prefill; 0: as many as `threads`
    std::uint32_t batch = 512;        ///< tokens per prefill chunk
    std::uint32_t context = 0;        ///< tokens of prompt and answer together; 0: the trained context
    bool allow_long = false;          ///< allows a context beyond the trained one
    AttentionPath attention = AttentionPath::Cpu;
    ProductPath products = ProductPath::Auto;
    /// Polled at least once per tile of attention and per graph node. Once it is true, the current call ends within a
    /// second with what it has, as by CallOptions::stop; a signal handler may set it. Text that turn_tokens() tokenizes
    /// obeys ModelOptions::stop instead. May be null; must outlive the session.
    const std::atomic<bool> * stop = nullptr;
    /// Receives one line, without a newline, for each choice worth knowing.
    std::function<void(std::string_view)> log = {};
};

struct AppendOptions {
    /// Shrinks the turns: of the rows that came since the prompt, or since the last time, and before the tokens that
    /// are appended, each KV head keeps as many as the budget says; a percentage counts these rows alone. They are
    /// chosen by a vote as in a prefill: the window is the last of the appended tokens, which keep rows of their own,
    /// and `sink` are the first rows of these turns. Each row is shrunk once. The configuration's types and rotation do
    /// not count, for they stay the sequence's, nor does `recent`; accumulated evidence is refused, for the turns' own
    /// queries are gone. Sliding layers keep what is still seen, whatever the vote. Afterwards truncate() goes back to
    /// no earlier token than the first that was appended. Refused for a sequence that goes on evicting, or whose tail
    /// has a budget.
    std::optional<CacheConfig> compress{};
    /// Sees how the last of what is appended attends to the rows that there are, before turns are shrunk; with a single
    /// token it observes a step of decode. If it throws, what was computed stays, and no turn is shrunk.
    Observer observer{};
    Scoring scoring{};
};

/// What became of the turns' rows, over layers and KV heads that vote.
struct TurnStats {
    bool compressed = false;
    std::string reason{};  ///< why not, if not compressed
    std::uint64_t rows_before = 0;
    std::uint64_t rows_kept = 0;
    double compress_ms = 0;
};

struct AppendStats {
    std::uint64_t tokens = 0;           ///< tokens computed, including a pending sampled one
    double ms = 0;                      ///< compressing included
    bool interrupted = false;           ///< some tokens are missing, or the turns are not compressed
    TurnStats turns{};                  ///< where AppendOptions::compress asks for it
    std::vector<ScoredToken> scores{};  ///< as AppendOptions::scoring asks, in order: fewer if interrupted
};

/// Tokens of a tree that Session::step_tree() takes.
inline constexpr std::uint32_t kMostTreeTokens = 8;

/// Runs a model: prefills, generates, appends, saves. Owns the thread pool and the graphs. Takes one call at a time;
/// sessions of the same model are independent. What is said of the stop flag holds for CallOptions too.
class SNAPKV_API Session {
public:
    /// Throws Error(Usage) if the options contradict the model (a context beyond the trained one without allow_long)
    /// and Error(Machine) if threads or memory are not available.
    explicit Session(Model model, const SessionOptions & options = {});
    Session(Session &&) noexcept;
    Session & operator=(Session &&) noexcept;
    ~Session();

    [[nodiscard]] const Model & model() const;
    [[nodiscard]] std::uint32_t context() const;           ///< in tokens, as in force
    [[nodiscard]] const SessionOptions & options() const;  ///< as in force, with every 0 resolved
    /// Peak K/V bytes since the last prefill(), begin_prefill() or make_sequence() began: the most that all sequences
    /// of this session held together at any moment.
    [[nodiscard]] std::uint64_t cache_bytes_peak() const;

    /// What prefill(branches) and then max_tokens tokens per branch, one after the other, will take, even if that is
    /// more than there is: see Estimate::fits(). Checks configurations and prompts as prefill() does. The first call
    /// for something that fits measures the machine's speed; if the stop flag is set meanwhile, `seconds` stays 0.
    [[nodiscard]] Estimate estimate(std::span<const Branch> branches, std::int64_t max_tokens = -1,
                                    const PrefillOptions & options = {}, const CallOptions & call = {}) const;

    /// Prefills the branches' longest common prefix once and each branch's own suffix against it, layer by layer, and
    /// leaves each with the cache that its configuration asks for. Throws Error(Usage) for an inconsistent
    /// configuration, Error(Input) for a prompt that is empty or exceeds the context, Error(Machine) if memory is short
    /// (before anything is computed, giving the sum); with `options` as begin_prefill() does, and Error(Usage) for a
    /// document that is not complete. What is held in memory goes with the call. Progress is PrefillTask's.
    [[nodiscard]] PrefillResult prefill(std::span<const Branch> branches, const PrefillOptions & options = {},
                                        const CallOptions & call = {});

    /// How many of the prompts' first tokens a prefill would take from the document: 0 if it does not serve. Throws as
    /// begin_prefill() does for what contradicts itself.
    [[nodiscard]] std::uint32_t held_tokens(std::span<const Branch> branches, const Document & document) const;

    /// A prefill that is advanced unit by unit. Throws as prefill() does before it computes, and Error(Usage) for a
    /// document of another model or more tokens to hold than the prompts have in common; `branches` are copied. The
    /// memory that it needs is set aside for it until it is done or dropped: no other call of this process counts on
    /// it.
    [[nodiscard]] PrefillTask begin_prefill(std::span<const Branch> branches, const PrefillOptions & options = {});

    /// A prefill that goes on where PrefillTask::save() left it, with the bits of an undisturbed one. Prompts, cache
    /// configurations and what is used and held of a document must be what they were then; observers may be others.
    /// Progress counts bytes. Throws as begin_prefill() does, Error(Input), with the reason, for a file that is
    /// truncated, altered, or of another model, RoPE setting, prompt or configuration, and Error(Interrupted) if the
    /// call is stopped.
    [[nodiscard]] PrefillTask resume_prefill(std::span<const Branch> branches, const PrefillOptions & options,
                                             const std::filesystem::path & path, const CallOptions & call = {});

    /// A sequence of a prompt that is not read: the caller gives its rows, which may come from another engine's cache,
    /// an experiment or a random generator. `cache` says how they are stored, and what a prefill would keep
    /// (HeadToFill); which there are is the provider's to say, and CacheStats tell. The logits are zeros: give the rows
    /// of all tokens but the last and append that one to have its own. Layers that recur are in the state of an empty
    /// text. No tokens are an empty sequence. Progress counts layers. Returns nothing if it is stopped. Throws as
    /// prefill() does before it computes; with layer and KV head, Error(Usage) for positions that are none, do not
    /// ascend or lie outside what the layer sees, and for rows of other sizes or another number of them, Error(Input)
    /// for an element that is no finite number or too large for the type.
    [[nodiscard]] std::optional<Sequence> make_sequence(std::span<const Token> tokens, const CacheConfig & cache,
                                                        const RowProvider & rows, const CallOptions & call = {});

    /// Samples tokens until the answer ends. `on_text` receives whole UTF-8 characters as they come; returning false
    /// ends the generation as an interrupt. Progress counts tokens, of as many as the answer may have. Throws
    /// Error(Usage) for a sequence of another model or inconsistent options, Error(Input) for logits that are not
    /// numbers (damaged weights), for a grammar that cannot be used, Error(Machine) if memory is short.
    [[nodiscard]] Generation generate(Sequence & sequence, const GenerateOptions & options,
                                      const std::function<bool(std::string_view)> & on_text = {},
                                      const CallOptions & call = {});

    /// The same for several sequences at once: each step of decode takes a token of each that goes on and reads the
    /// weights once for up to 32 whose rows are stored alike. What a sequence generates does not depend on the others.
    /// The results are in the order of the requests; each one's predicted_ms is the time until it ended. Throws as
    /// above, and Error(Usage) for a sequence named twice; what was generated until then stays in the sequences.
    [[nodiscard]] std::vector<Generation> generate(std::span<const GenerateRequest> requests,
                                                   const CallOptions & call = {});

    /// The tokens of a further user message, for append(): in the model's chat template, or the bare text if `raw`. Do
    /// not add the answer's end token: append() feeds a sampled token that has no row yet by itself. `parse_special`
    /// lets bare text become control tokens. Throws Error(Usage) for a sequence of another model, and else as
    /// Model::chat_prompt() does.
    [[nodiscard]] std::vector<Token> turn_tokens(const Sequence & sequence, std::string_view message, bool raw,
                                                 bool parse_special = false, const CallOptions & call = {}) const;

    /// Prefills further tokens against the kept rows and the tail, at the next true positions. A sampled token that has
    /// no row yet is fed first; a single token is a decode step and uses the decode threads. Up to eight chunks go
    /// through the model together, layer by layer, fewer if memory is short: an interruption loses those that were
    /// under way, and the sequence is as it was before them. Progress counts tokens. Throws Error(Usage) for a sequence
    /// of another model, for a configuration that contradicts itself, for turns to compress without tokens to append
    /// and for more tokens to score than are appended, Error(Input) for a token id out of range or more tokens than the
    /// context takes, Error(Machine) if memory does not suffice for one chunk: what was appended stays.
    AppendStats append(Sequence & sequence, std::span<const Token> tokens, const AppendOptions & options = {},
                       const CallOptions & call = {});

    /// A step of decode for several sequences at once, for those who choose tokens themselves: appends `tokens`[i] to
    /// `sequences`[i] and leaves its logits, which do not depend on the others. If interrupted, nothing is appended to
    /// those that have not had their turn: sequences whose rows are stored alike take theirs together. Throws as
    /// append() does, and Error(Usage) for a sequence named twice or with a sampled token that has no row yet.
    AppendStats step(std::span<Sequence * const> sequences, std::span<const Token> tokens,
                     const CallOptions & call = {});

    /// A step of decode for up to kMostTreeTokens tokens that continue the sequence as a tree, such as guesses at what
    /// comes next: token i continues token parents[i], which is less than i, or the sequence itself where that is -1.
    /// It reads the weights once and leaves the logits of all of them in Sequence::tree_logits(): those that append()
    /// would leave after the tokens on the way there, with the same bits where products do not depend on the number of
    /// rows (for weights that ggml repacks they do). The sequence itself is as before until keep_path(); whatever else
    /// changes it drops the tree, which forks and saved sequences do not have. Where layers recur the tokens must be a
    /// chain (parents -1, 0, 1, ...). If interrupted, there is no tree. Throws as step() does, and Error(Usage) for
    /// parents out of range, more tokens, and a sequence that goes on evicting or whose tail has a budget.
    AppendStats step_tree(Sequence & sequence, std::span<const Token> tokens, std::span<const std::int32_t> parents,
                          const CallOptions & call = {});

    /// Keeps the tokens that lead to `token` of the tree behind the sequence, which then is as if append() had been
    /// given one after the other; the others go. Nothing is computed, but where layers recur and it is not the tree's
    /// last token: only then can it be interrupted, with the sequence as before and without the tree. Throws
    /// Error(Usage) for a sequence of another model and for a token that there is not, Error(Machine) if memory is
    /// short; the tree stays then where nothing had to be computed.
    AppendStats keep_path(Sequence & sequence, std::size_t token, const CallOptions & call = {});

    /// Writes the sequence to a temporary file, syncs it and renames it. Until then an existing file keeps its
    /// contents, and it keeps its permissions; a new file has mode 0600. Returns false, with nothing changed, if it is
    /// stopped while it writes; a stop flag that is set before does not stop it, so that what was interrupted can be
    /// saved. Progress counts bytes. Throws Error(Usage) for a sequence of another model or without a prompt,
    /// Error(Machine) if the file cannot be written; see write_whole_file() for the limit of file sizes.
    [[nodiscard]] bool save(const Sequence & sequence, const std::filesystem::path & path,
                            const CallOptions & call = {}) const;

    /// The same bytes to a stream, which need not be able to seek. What was written when it is stopped, or throws, is
    /// no saved sequence. Throws Error(Machine) if the stream fails.
    [[nodiscard]] bool save(const Sequence & sequence, std::ostream & to, const CallOptions & call = {}) const;

    /// Reads a saved sequence. Progress counts bytes. Throws Error(Input), with the reason, if the file is truncated,
    /// altered, or of another model or RoPE setting; Error(Machine) if memory is short; Error(Interrupted) if the call
    /// is stopped: the session's flag does not stop it.
    [[nodiscard]] Sequence load(const std::filesystem::path & path, const CallOptions & call = {}) const;

    /// The same from a stream, which is read no further than to the sequence's end; until then the memory that it
    /// claims to need is set aside. `name` begins the messages of errors.
    [[nodiscard]] Sequence load(std::istream & from, std::string_view name, const CallOptions & call = {}) const;

    /// Writes a complete document to a file, as save() does a sequence; false, with nothing changed, if it is stopped.
    /// Progress counts layers. Throws as save() does, Error(Usage) for a document that is not complete, and what
    /// reading its rows throws.
    [[nodiscard]] bool save_document(const Document & document, const std::filesystem::path & path,
                                     const CallOptions & call = {}) const;

    /// Opens a document's file. Its rows stay there and are read, and checked, layer by layer by the prefills that use
    /// them: they throw Error(Input) for a file that is altered. Throws Error(Input), with the reason, if the file is
    /// cut short, altered at its beginning, or of another model or RoPE setting.
    [[nodiscard]] Document load_document(const std::filesystem::path & path) const;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace snapkv
