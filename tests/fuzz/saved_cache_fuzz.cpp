#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sstream>
#include <string>

#include "fuzz/memory_file.h"
#include "run/saved_file.h"
#include "run/synthetic_sequence.h"
#include "snapkv/error.h"

namespace {

using namespace snapkv;

const std::string kPath = "fuzz";

/// A sequence that was accepted is whole: writing it again reads every row, and reads back.
void use(const run::SavedModel & model, const Sequence::Impl & sequence, std::uint32_t context) {
    const std::vector<std::byte> again = run::test::encoded(model, sequence);
    run::decode_sequence(run::bytes_in(again), model, context, std::make_shared<kv::Arena>(), kPath);
}

}  // namespace

/// The input once as a whole file, once as a stream, and once as contents whose checksum has been verified already, for
/// the fuzzer would hardly ever get one right. Refusals are snapkv::Error; anything else that leaves here is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t * data, std::size_t size) {
    constexpr std::uint32_t kContext = 1000;
    const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
    try {
        const test::MemoryFile file(data, size);
        const run::SavedFile saved(file.path());
    } catch (const Error &) {
    }
    try {
        std::istringstream stream(std::string(reinterpret_cast<const char *>(data), size));
        const run::SavedStream saved(stream, kPath);
        run::decode_sequence(saved.contents(), run::test::small_model(), kContext, std::make_shared<kv::Arena>(),
                             kPath);
    } catch (const Error &) {
    }
    const run::SavedModel model = run::test::small_model();
    try {
        use(model, run::decode_sequence(run::bytes_in(bytes), model, kContext, std::make_shared<kv::Arena>(), kPath),
            kContext);
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Input) {
            throw;  // a few hundred rows never exhaust a machine's memory
        }
    }
    return 0;
}
