#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "fuzz/gguf_change.h"
#include "snapkv/error.h"

// libFuzzer's own changes nearly always break a length. These take a file apart, change one thing and put it together
// again with true lengths, so that the checks of vocabulary and model, and libllama behind them, see the change.

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t * data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t * data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    using namespace snapkv;
    constexpr unsigned raw_one_in = 4;
    if (seed % raw_one_in == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    try {
        test::Pieces pieces = test::Pieces::of({reinterpret_cast<const char *>(data), size});
        test::change(pieces, seed);
        const std::string file = pieces.file();
        if (file.size() <= max_size) {
            std::memcpy(data, file.data(), file.size());
            return file.size();
        }
    } catch (const Error &) {
        // Not to be taken apart: change the bytes as they are.
    }
    return LLVMFuzzerMutate(data, size, max_size);
}
