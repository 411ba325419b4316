#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/memory_file.h"
#include "gguf/file.h"
#include "gguf/libllama_load.h"
#include "model/decoder.h"
#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "snapkv/error.h"

namespace {

using namespace snapkv;

/// A refusal is one line of plain text, whatever the file holds.
template <typename Action>
void refused_or_done(const Action & action) {
    try {
        action();
    } catch (const Error & error) {
        const std::string_view message = error.what();
        const bool is_line = std::ranges::all_of(message, [](char c) { return c >= ' ' && c <= '~'; });
        if (error.kind() != ErrorKind::Input || !is_line) {
            throw;
        }
    }
}

void load_model(const gguf::File & file) {
    const model::HyperParameters params = model::read_hyper_parameters(file, {});
    model::Weights weights(file);
    const model::Decoder decoder(params, weights);
    weights.finish({});
}

}  // namespace

/// The way of a real run: our reader, the model's numbers and tensors, our vocabulary checks, then libllama's own load
/// and tokenizer. Refusals are snapkv::Error; anything else that leaves here, or a libllama that aborts, is a finding.
/// What refuses the model does not keep the vocabulary from being looked at.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t * data, std::size_t size) {
    const test::MemoryFile bytes(data, size);
    refused_or_done([&] {
        const gguf::File file = gguf::File::open(bytes.path());
        gguf::identity(file);
        refused_or_done([&] { load_model(file); });
        gguf::check_vocabulary(file);
        test::loads_in_libllama(bytes.path());
    });
    return 0;
}
