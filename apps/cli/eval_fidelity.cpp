#include "eval_fidelity.h"

#include <algorithm>

#include "engine.h"
#include "eval/fidelity_record.h"
#include "eval/utf8_text.h"
#include "fail.h"
#include "format.h"
#include "progress.h"

namespace snapkv::cli {
namespace {

constexpr std::uint32_t kUsualTokens = 64;
constexpr std::uint32_t kUsualSamples = 4;

/// A piece of the text that is to be a prompt of `length` tokens.
struct Piece {
    std::string id;
    std::uint32_t length = 0;
    Prompt prompt;
};

/// The bytes of some tokens, without the parts of characters that were cut at the ends.
std::string text_of(const Model & model, std::span<const Token> tokens) {
    std::string text;
    for (const Token token : tokens) {
        text += model.piece(token);
    }
    text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), eval::is_continuation));
    // What else is ill-formed is the file's, and refused as such.
    constexpr std::size_t kLongest = 4;
    const std::size_t ill_formed = eval::find_ill_formed(text);
    if (ill_formed != std::string::npos && ill_formed + kLongest > text.size()) {
        text.resize(ill_formed);
    }
    return text;
}

/// With a question the piece and the question in the chat template; else the piece alone, to be continued.
Prompt prompt_of(const Model & model, const Settings & settings, std::span<const Token> tokens) {
    if (settings.questions.empty()) {
        return model.raw_prompt(text_of(model, tokens));
    }
    // Template and question count too: the document gives way to them.
    const std::string & question = settings.questions.front();
    const auto make = [&](std::size_t count) {
        const std::string document = text_of(model, tokens.first(count));
        return settings.raw ? model.raw_prompt(document, question) : model.chat_prompt(document, question);
    };
    const std::size_t around = make(1).tokens.size();
    return make(tokens.size() > around ? tokens.size() - around : 1);
}

std::vector<std::uint32_t> lengths_of(const Settings & settings, std::uint32_t context) {
    return settings.eval.lengths.empty() ? std::vector{std::min(4096U, context / 2)} : settings.eval.lengths;
}

std::uint32_t answer_tokens(const Settings & settings) {
    return settings.eval.generate == 0 ? kUsualTokens : settings.eval.generate;
}

std::vector<Piece> pieces_of(const Settings & settings, const Model & model, const std::string & text,
                             std::uint32_t context) {
    const std::vector<Token> tokens = model.tokenize(text, false, false);
    const std::uint32_t wanted = settings.eval.samples == 0 ? kUsualSamples : settings.eval.samples;
    std::vector<Piece> pieces;
    for (const std::uint32_t length : lengths_of(settings, context)) {
        if (tokens.size() < length) {
            input_error("the text has {}, expected at least {} for one prompt", count_text(tokens.size(), "token"),
                        count_text(length));
        }
        const auto most = static_cast<std::uint32_t>(tokens.size() / length);
        if (most < wanted && settings.eval.samples != 0) {
            warn("the text holds {} of {} tokens, fewer than the {} asked for", count_text(most, "prompt"),
                 count_text(length), wanted);
        }
        for (std::uint32_t i = 0; i < std::min(most, wanted); ++i) {
            const auto piece = std::span(tokens).subspan(std::size_t{i} * length, length);
            pieces.push_back({fmt::format("{}-{}", length, i + 1), length, prompt_of(model, settings, piece)});
        }
    }
    return pieces;
}

}  // namespace

void check_fidelity(const Settings & settings, const Document & document, std::uint32_t context) {
    static_cast<void>(required_text(document, "fidelity"));
    const std::uint32_t generate = answer_tokens(settings);
    if (generate < 2) {
        usage_error("--n-predict is {}; expected at least 2: the first token is not scored", generate);
    }
    if (settings.eval.hide_question && settings.questions.empty()) {
        usage_error("--hide-question: fidelity has no question to hide without -q");
    }
    for (const std::uint32_t length : lengths_of(settings, context)) {
        if (std::uint64_t{length} + generate >= context) {
            input_error("a prompt of {} plus {} does not fit in a context of {}", count_text(length, "token"),
                        count_text(generate, "further token"), count_text(context));
        }
    }
}

bool follow_all(const Settings & settings, Session & session, const std::string & text, ExperimentFolder & folder) {
    eval::FollowOptions options;
    options.tokens = answer_tokens(settings);
    options.hide_question = settings.eval.hide_question;
    const std::vector<Piece> pieces = pieces_of(settings, session.model(), text, session.context());
    const std::vector<eval::Variant> variants = eval::make_variants(settings.eval.caches);
    note("{} with {} each", count_text(pieces.size(), "prompt"), count_text(variants.size(), "cache"));
    eval::Journal & journal = folder.journal();
    const Stopwatch watch;
    double done = 0;
    double all = 0;
    const auto wanting = [&](const Piece & piece) {
        return std::any_of(variants.begin(), variants.end(), [&](const eval::Variant & variant) {
            return !journal.has(eval::fidelity_key(piece.id, variant));
        });
    };
    for (const Piece & piece : pieces) {
        all += wanting(piece) ? piece.length : 0;
    }
    ProgressLine line;
    for (const Piece & piece : pieces) {
        if (!wanting(piece)) {
            continue;
        }
        const auto draw = [&](const CallProgress & prefill) {
            if (line.due()) {
                const double here = static_cast<double>(prefill.done) / static_cast<double>(prefill.total);
                const double share = (done + here * piece.length) / all;
                line.draw({piece.id, share, {seconds_text(watch.milliseconds() / 1000 * (1 / share - 1)) + " left"}});
            }
        };
        const auto followed = eval::follow(session, piece.prompt, variants, options, draw);
        if (!followed) {
            return false;
        }
        for (std::size_t i = 0; i < variants.size(); ++i) {
            if (!journal.has(eval::fidelity_key(piece.id, variants[i]))) {
                journal.add(
                    eval::fidelity_record(piece.id, piece.length, variants[i], *followed, followed->variants[i]));
            }
        }
        done += piece.length;
    }
    return true;
}

}  // namespace snapkv::cli
