#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace snapkv::model {

/// Reads the keys of one architecture (`llama.block_count` and so on), each checked against its range. Everything
/// throws Error(Input) that names file, key, what was found and what was expected. Refers to the file.
class KeyReader {
public:
    KeyReader(const gguf::File & file, std::string architecture)
        : file_(file), architecture_(std::move(architecture)) {}

    [[nodiscard]] const gguf::File & file() const { return file_; }
    [[nodiscard]] const std::string & architecture() const { return architecture_; }
    /// The key's full name.
    [[nodiscard]] std::string name(const char * key) const { return architecture_ + "." + key; }

    /// From 1 to `most`.
    [[nodiscard]] std::uint32_t number(const char * key, std::uint32_t most) const;
    [[nodiscard]] std::uint32_t number_or(const char * key, std::uint32_t otherwise, std::uint32_t most) const;
    /// From 0 to `most`; 0 where the file has none.
    [[nodiscard]] std::uint32_t count(const char * key, std::uint32_t most) const;
    /// A number that the file may give once or for each layer; layers that differ are not supported.
    [[nodiscard]] std::uint32_t uniform(const char * key, std::optional<std::uint32_t> otherwise,
                                        std::uint32_t most) const;
    /// Finite and more than 0.
    [[nodiscard]] float positive(const char * key) const;
    [[nodiscard]] float positive_or(const char * key, float otherwise) const;
    /// Finite and not negative.
    [[nodiscard]] float not_negative(const char * key) const;
    /// The same, 0 where the file has none.
    [[nodiscard]] float not_negative_or_zero(const char * key) const;
    /// What something is multiplied with: 1 where the file has none or 0, as libllama takes it.
    [[nodiscard]] float factor(const char * key) const;
    /// One for each of `layers` layers: from a list of as many, or from a period as libllama counts it (of so many
    /// layers all but the last are true; 0: all), `period` where the file has neither.
    [[nodiscard]] std::vector<bool> pattern(const char * key, std::uint32_t layers, std::uint32_t period) const;

private:
    [[nodiscard]] std::uint32_t checked(const char * key, std::uint32_t value, std::uint32_t least,
                                        std::uint32_t most) const;
    [[nodiscard]] float checked(const char * key, float value, bool zero) const;

    const gguf::File & file_;
    std::string architecture_;
};

}  // namespace snapkv::model
