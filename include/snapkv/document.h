#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/model.h"

namespace snapkv {

/// All keys and values of a text's first tokens, so that prompts which begin with these tokens need not compute them
/// again: each such prompt votes on all of them and keeps its own rows, as a prefill that computed them would. Its bits
/// are that prefill's if products do not depend on how many rows a chunk has: so it is with the products that a prefill
/// chooses on a processor with AVX-512, and for quantised weights on one with AVX2.
/// A prefill makes one (PrefillOptions::hold), layer by layer, and others may use it meanwhile: they wait for layers
/// that are not there yet. Cheap to copy: copies share the rows, which never change. All members are safe to call from
/// several threads once it is complete; before, from the thread that advances the prefill alone.
class SNAPKV_API Document {
public:
    [[nodiscard]] std::span<const Token> tokens() const;
    /// In which the rows are stored, keys and values alike: no quantised one.
    [[nodiscard]] KvType type() const;
    /// Layers that are there.
    [[nodiscard]] std::uint32_t layers() const;
    /// All layers are there. What an unfinished prefill leaves never is.
    [[nodiscard]] bool complete() const;

    struct Impl;

private:
    friend struct Internals;
    explicit Document(std::shared_ptr<const Impl> impl);

    std::shared_ptr<const Impl> impl_;
};

}  // namespace snapkv
