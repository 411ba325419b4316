#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "run/saved_file.h"
#include "run/synthetic_sequence.h"

namespace {

using namespace snapkv;

void write(const std::filesystem::path & path, const Sequence::Impl & sequence) {
    const std::vector<std::byte> bytes = run::test::encoded(run::test::small_model(), sequence);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Sequence::Impl without_segments(const std::shared_ptr<kv::Arena> & arena) {
    Sequence::Impl sequence = run::test::small_sequence(arena, 1);
    sequence.rows.segments.clear();
    sequence.stats.reason.clear();
    sequence.stats.config.window.reset();
    return sequence;
}

Sequence::Impl consecutive_only(const std::shared_ptr<kv::Arena> & arena) {
    Sequence::Impl sequence = run::test::small_sequence(arena, 0);
    sequence.rows.segments.pop_back();
    sequence.tokens.pop_back();
    sequence.pending = false;
    return sequence;
}

}  // namespace

/// Contents without an envelope, as the fuzz target takes them, and one whole file.
int main(int count, char ** arguments) {
    if (count != 2) {
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    const auto arena = std::make_shared<kv::Arena>();
    const Sequence::Impl small = run::test::small_sequence(arena, 3);
    write(folder / "two-segments", small);
    write(folder / "two-segments-f32-bf16", run::test::small_sequence(arena, 2, KvType::F32, KvType::BF16));
    write(folder / "two-tail-blocks", run::test::small_sequence(arena, 257));
    write(folder / "no-segments", without_segments(arena));
    write(folder / "consecutive-only", consecutive_only(arena));
    run::write_saved_file(folder / "whole-file", [&](const run::ByteSink & sink) {
        run::encode_sequence(run::test::small_model(), small, sink);
    });
    return 0;
}
