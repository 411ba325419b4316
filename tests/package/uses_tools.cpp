// Writes a random model, fills a sequence of it and takes a step: what benchmarks do with the tools library.
//
// usage: uses_tools MODEL.gguf, the file to write
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>

#include "snapkv/snapkv.h"
#include "snapkv/tools/filled_sequence.h"
#include "snapkv/tools/random_model.h"
#include "snapkv/tools/retrieval_model.h"

namespace {

/// What one library throws the other's callers catch.
bool refuses_unknown_shape(const char * path) {
    try {
        snapkv::write_random_model(path, {.shape = "none"});
    } catch (const snapkv::Error & error) {
        return error.kind() == snapkv::ErrorKind::Usage;
    }
    return false;
}

}  // namespace

int main(int argc, char ** argv) try {
    if (argc != 2 || !refuses_unknown_shape(argv[1]) || snapkv::retrieval_model_types().empty()) {
        return 1;
    }
    if (snapkv::write_random_model(argv[1], {.shape = "tiny"}).interrupted) {
        return 1;
    }
    snapkv::Session session(snapkv::Model::load(argv[1]), {.threads = 1});
    constexpr std::uint32_t depth = 100;
    snapkv::CacheConfig cache;
    cache.policy = snapkv::Policy::Full;
    auto sequence = snapkv::filled_sequence(session, depth, cache);
    if (!sequence) {
        return 1;
    }
    const std::array<snapkv::Token, 1> next{5};
    session.append(*sequence, next);
    std::printf("%zu tokens\n", sequence->tokens().size());
    return sequence->tokens().size() == depth + 1 ? 0 : 1;
} catch (const std::exception & error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
