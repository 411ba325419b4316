#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "run/saved_codec.h"

namespace snapkv::run {

static_assert(std::endian::native == std::endian::little, "saved caches are written as they lie in memory");

/// An archive for the field lists that writes. Names are for the reader's messages.
class SavedWriter {
public:
    explicit SavedWriter(const ByteSink & sink) : sink_(sink) {}

    template <typename T>
    void number(const char * /*name*/, const T & value) {
        sink_(std::as_bytes(std::span(&value, 1)));
    }
    void flag(const char * name, bool value) { number(name, std::uint32_t{value ? 1U : 0U}); }
    template <typename Enum, typename Names>
    void choice(const char * name, Enum value, const Names & /*names*/) {
        number(name, static_cast<std::uint32_t>(value));
    }
    void optional(const char * name, const std::optional<std::uint32_t> & value) {
        flag(name, value.has_value());
        number(name, value.value_or(0));
    }
    void text(const char * name, const std::string & value) {
        number(name, static_cast<std::uint32_t>(value.size()));
        sink_(std::as_bytes(std::span(value)));
    }
    template <typename T>
    void array(std::span<const T> values) {
        sink_(std::as_bytes(values));
    }
    void bytes(const std::byte * data, std::size_t count) { sink_({data, count}); }

private:
    const ByteSink & sink_;
};

/// Which model what follows is of; `shapes`: its layers', with the types in force.
void write_model(SavedWriter & out, const SavedModel & model, std::span<const kv::LayerShape> shapes);

}  // namespace snapkv::run
