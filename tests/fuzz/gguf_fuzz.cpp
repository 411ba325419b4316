#include <cstddef>
#include <cstdint>

#include "fuzz/memory_file.h"
#include "gguf/file.h"
#include "gguf/libllama_load.h"
#include "snapkv/error.h"

/// The way of a real run: our reader, our vocabulary checks, then libllama's own load and tokenizer. Refusals are
/// snapkv::Error; anything else that leaves here, or a libllama that aborts, is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t * data, std::size_t size) {
    using namespace snapkv;
    const test::MemoryFile bytes(data, size);
    try {
        const gguf::File file = gguf::File::open(bytes.path());
        gguf::identity(file);
        gguf::check_vocabulary(file);
        test::loads_in_libllama(bytes.path());
    } catch (const Error &) {
    }
    return 0;
}
