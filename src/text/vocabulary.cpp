#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/deep_stack.h"
#include "base/descriptor.h"
#include "base/in_child.h"
#include "base/raise.h"
#include "base/resident.h"
#include "llama-model-loader.h"
#include "llama-vocab.h"
#include "llama.h"
#include "text/llama_log.h"
#include "text/partition.h"
#include "text/plain_text.h"
#include "text/splitting.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

// Some tens of milliseconds of work: how long a stop flag waits.
constexpr std::size_t usual_piece = std::size_t{64} << 10U;
// Where a piece is longer, because there is no place to cut it, one call of libllama's takes seconds.
constexpr std::size_t longest_in_process = 4 * usual_piece;
// Beyond one token a byte.
constexpr std::size_t spare_tokens = 16;
// Longer parts of a text are not likely to come again.
constexpr std::size_t remembered_part = 64;
constexpr std::size_t remembered_parts = 10'000;
// What is taken for granted of the caller's own stack. More goes onto one of our own.
constexpr std::size_t callers_stack = std::size_t{128} << 10U;

/// The mapping as libllama's loader wants it. What was checked is what is read, whatever the path now leads to.
std::unique_ptr<std::FILE, int (*)(std::FILE *)> open_mapping(std::span<const std::byte> bytes) {
    // Opened for reading alone, it writes nothing.
    return {::fmemopen(const_cast<std::byte *>(bytes.data()), bytes.size(), "rb"), std::fclose};
}

/// gpt-oss builds its turns of these. libllama makes them user-defined, so that they are printed; it finds such tokens
/// in any text, and a message could forge turns.
bool is_harmony_marker(const llama_vocab * vocab, Token token) {
    constexpr std::array<std::string_view, 5> markers{"<|start|>", "<|end|>", "<|message|>", "<|channel|>",
                                                      "<|constrain|>"};
    return (llama_vocab_get_attr(vocab, token) & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0 &&
           std::find(markers.begin(), markers.end(), llama_vocab_get_text(vocab, token)) != markers.end();
}

std::vector<Special> special_tokens(const Vocabulary & vocabulary) {
    constexpr unsigned unknown = LLAMA_TOKEN_ATTR_UNKNOWN;
    constexpr unsigned looked_for = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_USER_DEFINED | unknown;
    std::vector<Special> specials;
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const unsigned attributes = llama_vocab_get_attr(vocabulary.raw(), token);
        const std::string_view text = llama_vocab_get_text(vocabulary.raw(), token);
        if ((attributes & looked_for) != 0 && !text.empty()) {
            specials.push_back({.token = token,
                                .text = text,
                                .user_defined = (attributes & looked_for) == LLAMA_TOKEN_ATTR_USER_DEFINED,
                                .control = vocabulary.is_control(token) || (attributes & unknown) != 0});
        }
    }
    // The function that libllama calls, for it leaves those of one length in an order of its own.
    std::sort(specials.begin(), specials.end(),
              [](const Special & a, const Special & b) { return a.text.size() > b.text.size(); });
    return specials;
}

std::vector<Token> call_tokenizer(const llama_vocab * vocab, std::string_view text) {
    // Room for one token a byte is enough save for odd vocabularies; then libllama says how much it needs.
    const auto bytes = static_cast<std::int32_t>(text.size());
    std::vector<Token> tokens(text.size() + spare_tokens);
    const auto run = [&] {
        return llama_tokenize(vocab, text.data(), bytes, tokens.data(), static_cast<std::int32_t>(tokens.size()), false,
                              false);
    };
    std::int32_t count = run();
    if (count < 0) {
        tokens.resize(static_cast<std::size_t>(-static_cast<std::int64_t>(count)));
        count = run();
    }
    assert(count >= 0);
    tokens.resize(static_cast<std::size_t>(count));
    return tokens;
}

[[noreturn]] void raise_stopped() {
    raise_interrupted("interrupted while tokenizing");
}

/// As call_tokenizer(), in a child process, which can be ended at any moment. In this one where none can be had.
std::vector<Token> tokenize_in_child(const llama_vocab * vocab, std::string_view text, const Stop & stop) {
    constexpr std::chrono::hours no_limit{24 * 365};
    const ChildBudget budget{.memory = available_memory(),
                             .processor = no_limit,
                             .clock = no_limit,
                             .answer = std::numeric_limits<std::int32_t>::max() * sizeof(Token),
                             .stop = stop};
    std::optional<ChildAnswer> answer;
    try {
        answer = in_child(budget, [&] {
            const std::vector<Token> tokens = call_tokenizer(vocab, text);
            return std::string(reinterpret_cast<const char *>(tokens.data()), tokens.size() * sizeof(Token));
        });
    } catch (const Error &) {
        return call_tokenizer(vocab, text);
    }
    if (answer->end == ChildAnswer::End::Interrupted) {
        raise_stopped();
    }
    if (answer->end != ChildAnswer::End::Answered) {
        raise_machine("the tokenizer failed on {} bytes of text that cannot be split, probably for lack of memory",
                      text.size());
    }
    std::vector<Token> tokens(answer->text.size() / sizeof(Token));
    std::memcpy(tokens.data(), answer->text.data(), answer->text.size());
    return tokens;
}

bool puts_space_before_text(const llama_vocab * vocab) {
    if (llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_SPM) {
        return false;
    }
    std::array<char, 64> piece{};
    const std::vector<Token> tokens = call_tokenizer(vocab, "a");
    return !tokens.empty() && llama_token_to_piece(vocab, tokens.front(), piece.data(), piece.size(), 0, false) > 0 &&
           piece.front() == ' ';
}

}  // namespace

struct Vocabulary::Loaded {
    llama_vocab libllama;
    std::string chat_template;
    std::vector<Special> specials;
    Splitting splitting;
    std::vector<Token> guard;
    std::size_t longest_token = 1;

    [[nodiscard]] const llama_vocab * vocab() const { return &libllama; }

    /// `piece` views `text`, so that an error can say where it lies.
    [[nodiscard]] std::vector<Token> tokens_of(std::string_view text, std::string_view piece, bool continues,
                                               const Stop & stop) const {
        if (piece.size() > std::numeric_limits<std::int32_t>::max() - 2 * spare_tokens) {
            raise_input("the text is {} bytes long: the tokenizer can handle less than 2 GiB at a time", piece.size());
        }
        const std::size_t stack = stack_for(splitting, text, piece);
        const bool guarded = continues && !guard.empty();
        std::vector<Token> tokens;
        const std::string after_guard = guarded ? std::string("\n").append(piece) : std::string();
        const std::string_view all = guarded ? after_guard : piece;
        const auto call = [&] {
            tokens = stop.possible() && piece.size() > longest_in_process ? tokenize_in_child(vocab(), all, stop)
                                                                          : call_tokenizer(vocab(), all);
        };
        if (stack <= callers_stack) {
            call();
        } else {
            on_deep_stack(stack, call);
        }
        if (guarded) {
            assert(tokens.size() >= guard.size() && std::equal(guard.begin(), guard.end(), tokens.begin()));
            tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(guard.size()));
        }
        return tokens;
    }
};

/// The tokens of `plain`, a part of `text` without special tokens, until there are more than `most`.
std::vector<Token> Vocabulary::plain_tokens(std::string_view text, std::string_view plain, std::size_t most) const {
    std::vector<Token> tokens;
    // Ill-formed text is not cut: where its characters begin depends on all that precedes.
    const bool valid = plain.size() <= usual_piece || find_invalid_utf8(plain) == std::string_view::npos;
    bool continues = false;
    while (!plain.empty() && tokens.size() <= most) {
        check_stop();
        const std::string_view piece = valid ? next_piece(plain, loaded_->splitting.cuts, usual_piece) : plain;
        const std::vector<Token> added = loaded_->tokens_of(text, piece, std::exchange(continues, true), stop_);
        tokens.insert(tokens.end(), added.begin(), added.end());
        plain.remove_prefix(piece.size());
        if (text.size() > usual_piece) {
            tell_(text.size() - static_cast<std::size_t>(text.end() - plain.begin()), text.size());
        }
    }
    return tokens;
}

Vocabulary Vocabulary::load(const gguf::File & file, const VocabularyOptions & options) {
    const LlamaLog log;
    const auto stream = open_mapping(file.parts().front().bytes);
    if (!stream) {
        raise_machine("{}: the tokenizer data could not be opened: {}", file.path().string(), system_error_text());
    }
    const auto loaded = std::make_shared<Loaded>();
    try {
        const std::unique_ptr<gguf_context, void (*)(gguf_context *)> metadata(
            gguf_init_from_file_ptr(stream.get(), {.no_alloc = true, .ctx = nullptr}), gguf_free);
        if (!metadata) {
            if (log.first_error().find("bad_alloc") != std::string::npos) {
                throw std::bad_alloc();
            }
            raise_input("{}", log.first_error());
        }
        // What llama_model_load_from_file() does for a vocabulary, without a model behind it.
        std::vector<std::string> no_parts;
        llama_model_loader loader(metadata.get(), nullptr, nullptr, {}, no_parts, nullptr, LLAMA_LOAD_MODE_NONE, false,
                                  true, false, nullptr, nullptr);
        loaded->libllama.load(loader, LLM_KV(loader.get_arch()));
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception & error) {
        raise_input("{}: the tokenizer could not be loaded: {}", file.path().string(), error.what());
    }
    loaded->chat_template = file.find_string("tokenizer.chat_template").value_or("");
    if (options.warn) {
        for (const std::string & line : log.warnings()) {
            options.warn(fmt::format("{}: tokenizer: {}", file.path().string(), line));
        }
    }
    Vocabulary vocabulary;
    vocabulary.loaded_ = loaded;
    vocabulary.stop_ = options.stop;
    loaded->specials = special_tokens(vocabulary);
    loaded->splitting = splitting_of(vocabulary);
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const std::string_view text = llama_vocab_get_text(vocabulary.raw(), token);
        loaded->longest_token = std::max(loaded->longest_token, text.size());
    }
    if (puts_space_before_text(loaded->vocab())) {
        loaded->guard = call_tokenizer(loaded->vocab(), "\n");
    }
    return vocabulary;
}

Vocabulary Vocabulary::obeying(const CallOptions & call) const {
    Vocabulary same = *this;
    same.stop_ = stop_.with(call);
    same.tell_ = Telling(call);
    return same;
}

std::vector<Token> Vocabulary::tokenize(std::string_view text, bool add_special, bool parse_special,
                                        std::size_t most) const {
    std::vector<Token> tokens;
    if (const std::optional<Token> begin = text_begin(); add_special && begin) {
        tokens.push_back(*begin);
    }
    std::unordered_map<Token, std::vector<Token>> spelled;
    // Each call of libllama's compiles its expressions anew, and between special tokens the same short texts come
    // again.
    std::unordered_map<std::string_view, std::vector<Token>> remembered;
    std::vector<Token> found;
    const Wanted wanted = parse_special ? Wanted::All : Wanted::UserDefined;
    for (const Part & part : partition(*this, text, wanted, Spaces::Swallowed)) {
        check_stop();
        if (part.special != nullptr) {
            found.assign(1, part.special->token);
        } else if (const auto known = remembered.find(part.text); known != remembered.end()) {
            found = known->second;
        } else {
            found = plain_tokens(text, part.text, most - std::min(most, tokens.size()));
            if (part.text.size() <= remembered_part && remembered.size() < remembered_parts) {
                remembered.emplace(part.text, found);
            }
        }
        for (const Token token : found) {
            if (parse_special || !is_control(token)) {
                tokens.push_back(token);
                continue;
            }
            // Merging plain pieces can end in a control token's text, which libllama then takes for the token.
            const auto [entry, is_new] = spelled.try_emplace(token);
            if (is_new) {
                entry->second = spelled_out(*this, token);
            }
            tokens.insert(tokens.end(), entry->second.begin(), entry->second.end());
        }
        if (tokens.size() > most) {
            return tokens;
        }
    }
    if (const std::optional<Token> end = text_end(); add_special && end) {
        tokens.push_back(*end);
    }
    return tokens;
}

std::string Vocabulary::piece(Token token, bool special) const {
    assert(token >= 0 && token < size());
    std::string bytes(32, '\0');
    const auto run = [&] {
        return llama_token_to_piece(raw(), token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, special);
    };
    std::int32_t count = run();
    if (count < 0) {
        bytes.resize(static_cast<std::size_t>(-count));
        count = run();
    }
    assert(count >= 0);
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
}

bool Vocabulary::is_end_of_generation(Token token) const {
    return llama_vocab_is_eog(raw(), token);
}

bool Vocabulary::is_control(Token token) const {
    return llama_vocab_is_control(raw(), token) || is_harmony_marker(raw(), token);
}

bool Vocabulary::strips_before(Token token) const {
    return (llama_vocab_get_attr(raw(), token) & LLAMA_TOKEN_ATTR_LSTRIP) != 0;
}

bool Vocabulary::strips_after(Token token) const {
    return (llama_vocab_get_attr(raw(), token) & LLAMA_TOKEN_ATTR_RSTRIP) != 0;
}

std::optional<Token> Vocabulary::text_begin() const {
    return llama_vocab_get_add_bos(raw()) ? std::optional(llama_vocab_bos(raw())) : std::nullopt;
}
std::optional<Token> Vocabulary::text_end() const {
    return llama_vocab_get_add_eos(raw()) ? std::optional(llama_vocab_eos(raw())) : std::nullopt;
}

std::int32_t Vocabulary::size() const {
    return llama_vocab_n_tokens(raw());
}

std::size_t Vocabulary::longest_token() const {
    return loaded_->longest_token;
}

std::span<const Special> Vocabulary::specials() const {
    return loaded_->specials;
}

std::span<const Token> Vocabulary::guard() const {
    return loaded_->guard;
}

void Vocabulary::check_stop() const {
    if (stop_.requested()) {
        raise_stopped();
    }
}

const llama_vocab * Vocabulary::raw() const {
    return loaded_->vocab();
}

const std::string & Vocabulary::chat_template() const {
    return loaded_->chat_template;
}

}  // namespace snapkv::text
