#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/metadata.h"
#include "gguf/values.h"
#include "gguf/writer.h"
#include "snapkv/error.h"

// libFuzzer's own changes nearly always break a length. These take a file apart, change one value and put it together
// again with true lengths, so that the vocabulary checks and libllama behind them see the change.

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t * data, std::size_t size, std::size_t max_size);

namespace {

using namespace snapkv;

struct Entry {
    std::string key;
    std::uint32_t type = 0;
    bool is_array = false;
    std::vector<std::string> elements;  ///< a string's text, a number's bytes
};

std::vector<Entry> taken_apart(std::string_view file) {
    constexpr std::size_t key_count_at = 16;
    const std::string no_path;
    gguf::Cursor cursor(std::as_bytes(std::span(file)), no_path);
    cursor.take(key_count_at, 1);
    std::vector<Entry> entries;
    for (const auto & [key, value] : gguf::read_metadata(cursor, cursor.integer<std::uint64_t>())) {
        Entry entry{std::string(key), static_cast<std::uint32_t>(value.type), value.is_array, {}};
        if (value.type == GGUF_TYPE_STRING) {
            gguf::Value as_array = value;
            as_array.is_array = true;
            entry.elements = gguf::strings_of(as_array).value();
        } else if (value.count > 0) {
            const std::size_t size = value.data.size() / value.count;
            for (std::size_t at = 0; at < value.data.size(); at += size) {
                entry.elements.emplace_back(reinterpret_cast<const char *>(&value.data[at]), size);
            }
        }
        entries.push_back(std::move(entry));
    }
    // The map's order is chance: a run must be repeatable.
    std::ranges::sort(entries, {}, &Entry::key);
    return entries;
}

std::string put_together(const std::vector<Entry> & entries) {
    test::Writer writer;
    for (const Entry & entry : entries) {
        test::Bytes bytes;
        if (entry.is_array) {
            bytes.number(entry.type).number<std::uint64_t>(entry.elements.size());
        }
        for (const std::string & element : entry.elements) {
            entry.type == GGUF_TYPE_STRING ? bytes.string(element) : bytes.raw(element);
        }
        writer.raw(entry.key, entry.is_array ? static_cast<std::uint32_t>(GGUF_TYPE_ARRAY) : entry.type, bytes);
    }
    return writer.bytes();
}

class Mutator {
    bool chance(unsigned one_in) { return random_() % one_in == 0; }

    template <typename Range>
    auto & pick(Range & range) {
        return range[random_() % std::size(range)];
    }

public:
    explicit Mutator(unsigned seed) : random_(seed) {}

    void change(std::vector<Entry> & entries) {
        if (entries.empty() || chance(8)) {
            entries.push_back(new_entry());
            return;
        }
        Entry & entry = pick(entries);
        if (chance(16)) {
            entries.erase(entries.begin() + (&entry - entries.data()));
        } else if (entry.is_array && chance(3)) {
            change_length(entry);
        } else if (!entry.elements.empty()) {
            change_element(entry, entries);
        }
    }

private:
    void change_length(Entry & entry) {
        if (entry.elements.empty() || chance(3)) {
            entry.elements.emplace_back(
                entry.type == GGUF_TYPE_STRING || entry.elements.empty() ? std::string() : entry.elements.front());
        } else if (chance(2)) {
            entry.elements.resize(random_() % entry.elements.size());
        } else {
            entry.elements.push_back(pick(entry.elements));
        }
    }

    void change_element(Entry & entry, const std::vector<Entry> & entries) {
        constexpr std::size_t room = 32;
        std::string & element = pick(entry.elements);
        if (entry.type == GGUF_TYPE_STRING && chance(2)) {
            element = chance(2) ? std::string(pick(words_)) : other_text(entries);
            return;
        }
        const std::size_t size = element.size();
        element.resize(size + room);
        const std::size_t changed =
            LLVMFuzzerMutate(reinterpret_cast<std::uint8_t *>(element.data()), size, element.size());
        element.resize(entry.type == GGUF_TYPE_STRING ? changed : size);
    }

    std::string other_text(const std::vector<Entry> & entries) {
        const Entry & other = pick(entries);
        return other.type == GGUF_TYPE_STRING && !other.elements.empty() ? pick(other.elements) : other.key;
    }

    Entry new_entry() {
        const std::string key = "tokenizer.ggml." + std::string(pick(names_));
        if (key.ends_with("_id")) {
            const auto id = static_cast<std::uint32_t>(random_() % 300);
            return {key, GGUF_TYPE_UINT32, false, {std::string(reinterpret_cast<const char *>(&id), sizeof id)}};
        }
        return {key, GGUF_TYPE_BOOL, false, {std::string(1, static_cast<char>(random_() % 2))}};
    }

    static constexpr std::array<std::string_view, 16> names_{
        "bos_token_id",     "eos_token_id",     "eot_token_id",         "eom_token_id",
        "unknown_token_id", "padding_token_id", "fim_pad_token_id",     "fim_rep_token_id",
        "mask_token_id",    "prefix_token_id",  "add_bos_token",        "add_eos_token",
        "add_sep_token",    "add_space_prefix", "normalizer.lowercase", "remove_extra_whitespaces"};
    static constexpr std::array<std::string_view, 32> words_{"llama",       "gpt2",        "llama-bpe",
                                                             "qwen2",       "tekken",      "glm4",
                                                             "kimi-k2",     "gemma4",      "superbpe",
                                                             "jina-v2-de",  "deepseek-v3", "phi-3",
                                                             "clip",        "<s>",         "</s>",
                                                             "<unk>",       "<|end|>",     "<|call|>",
                                                             "<|return|>",  "<|flush|>",   "<|endoftext|>",
                                                             "<|channel|>", "<mask>",      "<PAD>",
                                                             "\xC4\x8A",    "<0x0A>",      "\n",
                                                             "[EMPTY_1]",   "unused",      "<|tool_response>",
                                                             " ",           "a b"};

    std::minstd_rand random_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t * data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    constexpr unsigned raw_one_in = 4;
    if (seed % raw_one_in == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    try {
        std::vector<Entry> entries = taken_apart({reinterpret_cast<const char *>(data), size});
        Mutator(seed).change(entries);
        const std::string file = put_together(entries);
        if (file.size() <= max_size) {
            std::memcpy(data, file.data(), file.size());
            return file.size();
        }
    } catch (const Error &) {
        // Not to be taken apart: change the bytes as they are.
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
