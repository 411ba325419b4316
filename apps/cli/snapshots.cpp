#include "snapshots.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "eval/content_hash.h"
#include "fail.h"
#include "words.h"

namespace snapkv::cli {
namespace {

namespace fs = std::filesystem;

/// Of a document of fewer tokens there is little to be saved.
constexpr std::uint32_t least_tokens = 256;
constexpr std::string_view extension = ".snapdoc";

std::uint32_t common_tokens(std::span<const Token> one, std::span<const Token> other) {
    return static_cast<std::uint32_t>(std::ranges::mismatch(one, other).in1 - one.begin());
}

/// How many of the first tokens are worth keeping: those of the document, which all prompts share. Where a layer recurs
/// only its state after all of them is kept, so the last few must be left to a question that is shorter than the
/// voters.
std::uint32_t tokens_to_hold(const Settings & settings, const ModelInfo & model, std::span<const Branch> branches) {
    const Prompt & first = branches.front().prompt;
    std::size_t tokens = first.document_end;
    for (const Branch & branch : branches) {
        tokens = std::min<std::size_t>(
            {tokens, branch.prompt.document_end, common_tokens(first.tokens, branch.prompt.tokens)});
    }
    if (std::any_of(model.attention.begin(), model.attention.end(), [](const auto & layer) { return layer.recurs; })) {
        constexpr std::uint32_t voters_of_a_question = 32;
        constexpr std::uint32_t voters_of_free_text = 128;
        const std::size_t voters =
            settings.cache.window.value_or(first.has_question() ? voters_of_a_question : voters_of_free_text);
        tokens -= std::min(tokens, voters);
    }
    return static_cast<std::uint32_t>(tokens);
}

/// A document's file, and how many tokens of the prompts it serves.
struct Found {
    fs::path path;
    snapkv::Document document;
    std::uint32_t serves = 0;
};

/// Of two, the one that serves for more; then the one with the name that this run would give it, then the shorter.
bool is_better(const Found & one, const Found & other, const fs::path & own) {
    const auto rank = [&](const Found & found) {
        return std::tuple(found.serves, found.path == own, -static_cast<std::int64_t>(found.document.tokens().size()));
    };
    return rank(one) > rank(other);
}

/// The best document in the folder; none that is so much longer than what it serves for that reading it costs more.
std::optional<Found> best_document(const Settings & settings, const Session & session, std::span<const Branch> branches,
                                   const fs::path & own) {
    constexpr std::uint32_t most_times = 4;
    std::optional<Found> best;
    std::error_code error;
    for (fs::directory_iterator entry(settings.snapshots, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() != extension) {
            continue;
        }
        try {
            Found found{entry->path(), session.load_document(entry->path()), 0};
            found.serves = session.held_tokens(branches, found.document);
            const bool worth = found.serves >= least_tokens &&
                               found.document.tokens().size() <= std::size_t{most_times} * found.serves;
            if (worth && (!best || is_better(found, *best, own))) {
                best = std::move(found);
            }
        } catch (const Error & unusable) {  // of another model, perhaps
            if (settings.verbose) {
                note("{}; it is not used", unusable.what());
            }
        }
    }
    return best;
}

/// The same for the same model, type and tokens.
std::string file_name(const Settings & settings, const Session & session, std::span<const Token> tokens) {
    const KvTypes types = settings.cache.type;
    std::string named = session.model().hash() + to_word(type_words, types.key) + to_word(type_words, types.value);
    named.append(reinterpret_cast<const char *>(tokens.data()), tokens.size_bytes());
    constexpr std::size_t enough = 32;
    return eval::content_hash(named).substr(0, enough) + std::string(extension);
}

}  // namespace

Snapshots find_snapshots(const Settings & settings, const Session & session, std::span<const Branch> branches) {
    if (settings.snapshots.empty()) {
        return {};
    }
    // Where all of a document's tokens vote their queries are wanted, which no file has.
    const bool all_vote = evidence_of(settings.cache) == Evidence::Accumulated;
    const std::uint32_t hold = all_vote ? 0 : tokens_to_hold(settings, session.model().info(), branches);
    if (hold < least_tokens) {
        return {};
    }
    const std::span<const Token> tokens = std::span(branches.front().prompt.tokens).first(hold);
    const PrefillOptions keeping{.hold = hold, .hold_file = settings.snapshots / file_name(settings, session, tokens)};
    Snapshots snapshots{keeping, keeping};
    if (const auto found = best_document(settings, session, branches, keeping.hold_file)) {
        snapshots.options.document = found->document;
        if (common_tokens(tokens, found->document.tokens()) + least_tokens >= hold) {
            snapshots.options.hold = 0;  // what is there is enough for the next time too
            snapshots.options.hold_file.clear();
        }
    }
    return snapshots;
}

}  // namespace snapkv::cli
