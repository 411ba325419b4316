#include "parity/quantised.h"

#include <stdexcept>
#include <string>

#include "base/threads.h"
#include "parity/llama_reference.h"
#include "parity/temporary_path.h"

namespace snapkv::test {

void quantise(const std::filesystem::path & source, const std::filesystem::path & target, llama_ftype type) {
    silence_llama();
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = type;
    params.allow_requantize = true;
    params.nthread = static_cast<std::int32_t>(usable_cores());
    if (llama_model_quantize(source.c_str(), target.c_str(), &params) != 0) {
        throw std::runtime_error("libllama cannot quantise " + source.string());
    }
}

std::filesystem::path small_model(llama_ftype type, const char * name) {
    const std::filesystem::path source = SNAPKV_TEST_MODEL;
    std::filesystem::path kept =
        std::filesystem::temp_directory_path() / "snapkv-parity" / (source.stem().string() + "-as-" + name + ".gguf");
    if (!std::filesystem::exists(kept)) {
        std::filesystem::create_directories(kept.parent_path());
        const TemporaryPath fresh(".gguf");
        quantise(source, fresh.get(), type);
        // Several tests may do this at once: whoever comes last replaces a file by the same bytes.
        std::filesystem::rename(fresh.get(), kept);
    }
    return kept;
}

}  // namespace snapkv::test
