#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/call_options.h"
#include "snapkv/document.h"
#include "snapkv/export.h"
#include "snapkv/model.h"
#include "snapkv/position.h"
#include "snapkv/scores.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// What one query attends to in one layer, exactly as a prefill computes it.
struct AttentionRow {
    std::uint32_t layer = 0;
    std::uint32_t kv_head = 0;
    std::uint32_t head = 0;  ///< query head
    Position position{};     ///< of the query
    /// Softmax in float32 over positions 0 .. `position`, 0 where there is no row: sums to 1, less what a sink takes.
    /// Valid during the call.
    std::span<const float> weights;
};

/// Observes the attention of the last positions of a prompt during its prefill, or of what is appended, one layer at a
/// time.
struct Observer {
    std::uint32_t positions = 0;  ///< how many, at most as many as tokens are computed; 0: observes nothing
    /// Called layer by layer. Within a layer, for each KV head, positions ascend, and at each the heads of the group
    /// follow one another. Different KV heads call from different threads at once. An exception ends the
    /// prefill or the append().
    std::function<void(const AttentionRow &)> row = {};
};

/// One prompt of a prefill, and the cache configuration for it.
struct Branch {
    Prompt prompt;
    CacheConfig cache;
    Observer observer = {};
    Scoring scoring = {};
};

/// What a prefill takes from others and leaves to them.
struct PrefillOptions {
    /// Rows of the prompts' first tokens, as far as all prompts begin with the document's. They are used where they are
    /// of the float type that the branches store (f32 where they name several, f16 where all are quantised), up to the
    /// first token that votes, is observed or precedes one that is scored (none where a branch accumulates its
    /// evidence: there all tokens vote); where a layer recurs only if that is behind the document, and where one slides
    /// only up to some 512 tokens before its end. What cannot be used is computed.
    std::optional<Document> document{};
    /// Keeps the rows of so many first tokens, which all prompts must have in common: see PrefillTask::document().
    std::uint32_t hold = 0;
    /// Where to keep them, layer by layer, instead of in memory: a file that has this name once it is complete, and
    /// mode 0600. What cannot be written ends nothing: see PrefillTask::document_error(). Nothing is written if the
    /// document that is used holds as many tokens already.
    std::filesystem::path hold_file{};
};

/// The memory, in bytes, that a run needs beyond the mapped model file and what the loaded model already holds, what
/// the machine has left for it, and the time its prefill takes.
struct Estimate {
    std::uint64_t prompt_tokens = 0;  ///< tokens computed: trunk and suffixes, each once
    std::uint64_t hidden_bytes = 0;
    std::uint64_t cache_bytes = 0;      ///< peak K/V: one layer's working rows and all kept rows
    std::uint64_t compute_bytes = 0;    ///< graph buffers and scratch
    std::uint64_t bytes_needed = 0;     ///< the sum, plus the answer's rows; a lower bound if it does not fit
    std::uint64_t bytes_available = 0;  ///< available now; what the model holds is no longer part of it
    std::uint64_t bytes_held = 0;       ///< held by the model: its vocabulary, and weights that were copied
    double seconds = 0;                 ///< 0 if not measured: memory is short, or the stop flag was set

    [[nodiscard]] bool fits() const { return bytes_needed <= bytes_available; }
};

struct PrefillStats {
    std::uint64_t trunk_tokens = 0;
    std::uint64_t held_tokens = 0;  ///< of the trunk, those whose rows were the document's
    std::uint64_t computed_tokens = 0;
    double prompt_ms = 0;                    ///< compress_ms included
    double compress_ms = 0;                  ///< votes, selection and compaction, all branches
    std::vector<double> branch_compress_ms;  ///< of all branches; 0 for a dropped one
    std::uint64_t cache_bytes_peak = 0;      ///< peak K/V bytes
    std::uint64_t accounted_bytes_peak = 0;  ///< the engine's own sum: hidden states, K/V, scratch, compute buffers
    std::uint64_t rss_anon_growth = 0;  ///< peak growth of anonymous resident memory, sampled at each (layer, chunk)
    bool interrupted = false;
};

struct PrefillResult {
    std::vector<Sequence> sequences;  ///< one per branch, in order, but for dropped ones; none if interrupted
    /// Of each of these sequences, of the prompt's last tokens as Branch::scoring asks, in order. Attention in a
    /// prefill is exact: they do not depend on what the cache keeps.
    std::vector<std::vector<ScoredToken>> scores;
    PrefillStats stats;
};

/// A prefill that goes on in units, one layer's part of a chunk or of a branch or the scores of some tokens, and can
/// rest between any two while its session does something else: decode for others, or another prefill. The outcome has
/// the bits of Session::prefill(). Dropping the object cancels it. Each call counts as one of the session, which must
/// outlive it.
class SNAPKV_API PrefillTask {
public:
    PrefillTask(PrefillTask &&) noexcept;
    PrefillTask & operator=(PrefillTask &&) noexcept;
    ~PrefillTask();

    /// The next unit can be computed: the document that it builds on has its layer. If the prefill that makes the
    /// document has ended without it, that will never be.
    [[nodiscard]] bool ready() const;
    /// Computes the next unit; false if there was none left or it was stopped, which ends the prefill: to let it rest
    /// is not to call this. Throws Error(Usage) unless it is ready, Error(Machine) if memory is short, Error(Input) for
    /// logits that are not numbers or a document that cannot be read, and what an observer throws.
    bool advance(const CallOptions & call = {});
    [[nodiscard]] bool done() const;
    /// What Session::estimate() would have said when the prefill was begun, with the memory that there was before some
    /// was set aside for it.
    [[nodiscard]] Estimate estimate(std::int64_t max_tokens = -1, const CallOptions & call = {}) const;
    /// `done` counts layers times tokens, seconds the time in advance() only.
    [[nodiscard]] CallProgress progress() const;
    /// What PrefillOptions::hold asked for; it grows by a layer whenever the prefill has computed one. Of a file, once
    /// it is complete.
    [[nodiscard]] const std::optional<Document> & document() const;
    /// Why the file cannot be written, in one line that begins with its path; empty if nothing went wrong.
    [[nodiscard]] std::string document_error() const;
    /// Gives up one branch: it votes no more, its rows are let go, and chunks that it would have had to itself are left
    /// out. Without any branch the prefill goes on only as long as its document is incomplete. Throws Error(Usage) for
    /// a branch that there is not.
    void drop(std::size_t branch);
    /// A layer is finished and the next not begun: save() can be called.
    [[nodiscard]] bool between_layers() const;
    /// Writes where the prefill is, to a file as Session::save() does: hidden states, what the branches keep so far,
    /// and rows that are held. Session::resume_prefill() goes on from there, in another process too; so may this one.
    /// Returns false, with nothing changed, if it is stopped. Progress counts bytes. Throws Error(Usage) unless it is
    /// between two layers, Error(Machine) if the file cannot be written.
    [[nodiscard]] bool save(const std::filesystem::path & path, const CallOptions & call = {}) const;
    /// The outcome of all branches that were not dropped, in order, once it is done; Error(Usage) before. After it, and
    /// after an error, advance(), drop() and take() throw Error(Usage).
    [[nodiscard]] PrefillResult take();

private:
    friend class Session;
    struct Impl;
    explicit PrefillTask(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace snapkv
