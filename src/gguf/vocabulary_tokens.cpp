#include "gguf/vocabulary_tokens.h"

#include <fmt/core.h>

#include <array>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/raise.h"
#include "gguf/in_quotes.h"

namespace snapkv::gguf {
namespace {

constexpr std::string_view tokens_key = "tokenizer.ggml.tokens";
constexpr std::string_view types_key = "tokenizer.ggml.token_type";
constexpr std::string_view merges_key = "tokenizer.ggml.merges";
constexpr std::int64_t byte_type = 6;  // LLAMA_TOKEN_TYPE_BYTE

/// Strings reach libllama through C, which ends them at the first zero byte.
void cut_at_zero(std::string & text) {
    text.resize(std::min(text.size(), text.find('\0')));
}

void check_unique(const File & file, const std::vector<std::string> & tokens) {
    std::unordered_map<std::string_view, std::size_t> ids;
    ids.reserve(tokens.size());
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const auto [other, is_new] = ids.emplace(tokens[id], id);
        if (!is_new) {
            raise_input("{}: key '{}' has the token {} twice, as {} and {}", file.path().string(), tokens_key,
                        in_quotes(tokens[id]), other->second, id);
        }
    }
}

void check_length(const File & file, std::string_view key, std::size_t tokens) {
    const std::optional<std::size_t> length = file.array_length(key);
    if (length && *length < tokens) {
        raise_input("{}: key '{}' has {} elements, expected {}, one per token", file.path().string(), key, *length,
                    tokens);
    }
}

bool is_byte_token(std::string_view text) {
    const auto is_hex = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
    };
    return text.size() == 6 && text.starts_with("<0x") && is_hex(text[3]) && is_hex(text[4]) && text[5] == '>';
}

/// The characters of `text` that are not in GPT-2's byte alphabet (printable ASCII, and U+00A1 to U+0143 save U+00AD),
/// or rather no fewer: a byte that begins none of its characters counts as one.
std::size_t foreign_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte > 0x20 && byte < 0x7F) {
            continue;
        }
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        const unsigned character = ((byte & 0x1FU) << 6U) | (next & 0x3FU);
        const bool pair = (byte & 0xE0U) == 0xC0 && (next & 0xC0U) == 0x80;
        if (pair && character > 0xA0 && character < 0x144 && character != 0xAD) {
            ++i;
        } else {
            ++count;
        }
    }
    return count;
}

}  // namespace

std::vector<std::string> checked_tokens(const File & file) {
    std::vector<std::string> tokens = file.find_strings(tokens_key).value_or(std::vector<std::string>());
    if (tokens.empty()) {
        raise_input("{}: key '{}' has no tokens", file.path().string(), tokens_key);
    }
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        cut_at_zero(tokens[id]);
        if (tokens[id].empty()) {
            tokens[id] = fmt::format("[EMPTY_{}]", id);
        }
    }
    check_unique(file, tokens);
    check_length(file, types_key, tokens.size());
    check_length(file, "tokenizer.ggml.scores", tokens.size());
    return tokens;
}

void check_byte_tokens(const File & file, const std::vector<std::string> & tokens, bool all) {
    if (const auto types = file.find_integers(types_key)) {
        for (std::size_t id = 0; id < tokens.size(); ++id) {
            if ((*types)[id] == byte_type && !is_byte_token(tokens[id])) {
                raise_input("{}: token {} is a byte by its type and {} by its text, expected '<0x00>' to '<0xFF>'",
                            file.path().string(), id, in_quotes(tokens[id]));
            }
        }
    }
    if (!all) {
        return;
    }
    const std::unordered_set<std::string_view> known(tokens.begin(), tokens.end());
    for (unsigned byte = 0; byte < 256; ++byte) {
        const std::string spelled = fmt::format("<0x{:02X}>", byte);
        const std::string plain = byte == 0 ? std::string() : std::string(1, static_cast<char>(byte));
        if (!known.contains(spelled) && !known.contains(plain)) {
            raise_input("{}: key '{}' has no token '{}', expected one for each byte", file.path().string(), tokens_key,
                        spelled);
        }
    }
}

void check_decoded_size(const File & file, const std::vector<std::string> & tokens) {
    constexpr std::size_t most = std::size_t{256} << 20U;
    constexpr std::size_t wrapping = 24;  // "[UNK_BYTE_0x" and the character's own bytes in hexadecimal
    std::size_t sum = 0;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const std::size_t foreign = foreign_characters(tokens[id]);
        const std::size_t each = tokens[id].size() + wrapping;
        if (foreign > (most - sum) / each) {
            raise_input("{}: key '{}' has too much text outside the byte alphabet, up to token {} of {} bytes: {}",
                        file.path().string(), tokens_key, id, tokens[id].size(), in_quotes(tokens[id]));
        }
        sum += foreign * each;
    }
}

void check_merges(const File & file) {
    const auto merges = file.find_strings(merges_key).value_or(std::vector<std::string>());
    for (std::size_t i = 0; i < merges.size(); ++i) {
        const std::string & merge = merges[i];
        const std::size_t space = merge.find(' ', 1);
        if (space == std::string::npos || space + 1 == merge.size() || merge.find('\0') != std::string::npos) {
            raise_input("{}: key '{}' has {} as its number {}, expected two pieces with a space between",
                        file.path().string(), merges_key, in_quotes(merge), i);
        }
    }
}

}  // namespace snapkv::gguf
