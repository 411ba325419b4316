#include "snapshots.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "eval/content_hash.h"
#include "fail.h"
#include "words.h"

namespace snapkv::cli {
namespace {

namespace fs = std::filesystem;

/// Of a document of fewer tokens there is little to be saved.
constexpr std::uint32_t least_tokens = 256;
constexpr std::string_view extension = ".snapdoc";

/// How many of the first tokens are worth keeping: those of the document, which all prompts share. Where a layer recurs
/// only its state after all of them is kept, and the last few must be left to a question that is too short for all
/// voters.
std::uint32_t tokens_to_hold(const ModelInfo & model, std::span<const Branch> branches) {
    constexpr std::size_t left_to_voters = 32;
    std::size_t tokens = branches.front().prompt.document_end;
    for (const Branch & branch : branches) {
        tokens = std::min(tokens, branch.prompt.document_end);
    }
    if (std::any_of(model.attention.begin(), model.attention.end(), [](const auto & layer) { return layer.recurs; })) {
        tokens -= std::min(tokens, left_to_voters);
    }
    return static_cast<std::uint32_t>(tokens);
}

std::uint32_t common_tokens(std::span<const Token> one, std::span<const Token> other) {
    return static_cast<std::uint32_t>(std::ranges::mismatch(one, other).in1 - one.begin());
}

/// The document in the folder that has the most of these tokens.
std::optional<snapkv::Document> best_document(const Settings & settings, const Session & session,
                                              std::span<const Token> tokens) {
    std::optional<snapkv::Document> best;
    std::uint32_t most = 0;
    std::error_code error;
    for (const fs::directory_entry & entry : fs::directory_iterator(settings.snapshots, error)) {
        if (entry.path().extension() != extension) {
            continue;
        }
        try {
            const snapkv::Document document = session.load_document(entry.path());
            const std::uint32_t common = common_tokens(tokens, document.tokens());
            if (common > most && document.type() == working_type(settings.cache.type)) {
                best = document;
                most = common;
            }
        } catch (const Error & unusable) {  // of another model, perhaps
            if (settings.verbose) {
                note("{}; it is not used", unusable.what());
            }
        }
    }
    return most >= least_tokens ? best : std::nullopt;
}

/// The same for the same model, type and tokens.
std::string file_name(const Settings & settings, const Session & session, std::span<const Token> tokens) {
    std::string named = session.model().hash() + to_word(type_words, working_type(settings.cache.type));
    named.append(reinterpret_cast<const char *>(tokens.data()), tokens.size_bytes());
    constexpr std::size_t enough = 32;
    return eval::content_hash(named).substr(0, enough) + std::string(extension);
}

}  // namespace

Snapshots find_snapshots(const Settings & settings, const Session & session, std::span<const Branch> branches) {
    if (settings.snapshots.empty()) {
        return {};
    }
    const std::uint32_t hold = tokens_to_hold(session.model().info(), branches);
    if (hold < least_tokens) {
        return {};
    }
    const std::span<const Token> tokens = std::span(branches.front().prompt.tokens).first(hold);
    const PrefillOptions keeping{.hold = hold, .hold_file = settings.snapshots / file_name(settings, session, tokens)};
    Snapshots snapshots{keeping, keeping};
    snapshots.options.document = best_document(settings, session, tokens);
    if (snapshots.options.document &&
        common_tokens(tokens, snapshots.options.document->tokens()) + least_tokens >= hold) {
        snapshots.options.hold = 0;  // what is there is enough for the next time too
        snapshots.options.hold_file.clear();
    }
    return snapshots;
}

}  // namespace snapkv::cli
