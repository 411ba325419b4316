#include "snapkv/tools/retrieval_model.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "synthetic/file_types.h"
#include "synthetic/model_keys.h"
#include "synthetic/model_writer.h"
#include "synthetic/retrieval_weights.h"
#include "synthetic/vocabulary.h"

namespace snapkv {

namespace synthetic {
namespace {

constexpr std::uint32_t least_suffix = 4;
constexpr std::uint32_t most_suffix = 32;

void check_options(const RetrievalModelOptions & options) {
    if (options.suffix < least_suffix || options.suffix > most_suffix) {
        raise_usage("--suffix is {}, expected {} to {}", options.suffix, least_suffix, most_suffix);
    }
    if (options.vocabulary.empty()) {
        raise_usage("--shape retrieval needs --vocab FILE.gguf: what it copies are tokens of real text");
    }
}

Shape shape_of(const RetrievalLayout & layout, std::uint32_t vocabulary) {
    return {.name = "retrieval",
            .layers = layout.layers(),
            .width = layout.width(),
            .heads = 1,
            .kv_heads = 1,
            .feed_forward = kRetrievalFeedForward,
            .vocabulary = vocabulary,
            .context = kShiftReach,
            .rope_base = 1,
            .own_head_size = layout.head_size()};
}

void put_tensor(const ConstructedTensor & tensor, ggml_type type, ModelWriter & writer) {
    std::vector<float> values(tensor.columns);
    std::vector<ggml_fp16_t> narrow(tensor.columns);
    for (std::uint32_t row = 0; row < tensor.rows && !writer.stopped(); ++row) {
        std::fill(values.begin(), values.end(), 0.0F);
        tensor.fill(row, values);
        if (type == GGML_TYPE_F16) {
            ggml_fp32_to_fp16_row(values.data(), narrow.data(), tensor.columns);
            writer.put(std::as_bytes(std::span(narrow)));
        } else {
            writer.put(std::as_bytes(std::span(values)));
        }
    }
    writer.end_tensor();
}

}  // namespace
}  // namespace synthetic

const std::vector<std::string> & retrieval_model_types() {
    static const std::vector<std::string> names{"f16", "f32"};
    return names;
}

WrittenModel write_retrieval_model(const std::filesystem::path & path, const RetrievalModelOptions & options,
                                   const std::function<void(std::uint64_t, std::uint64_t)> & progress) try {
    using namespace synthetic;
    check_options(options);
    const FileType type = find_file_type(options.type, retrieval_model_types());
    ModelWriter writer(options.stop, progress);
    const std::uint32_t vocabulary = copy_vocabulary(writer.keys(), options.vocabulary);
    if (vocabulary > kMostCodes) {
        raise_input("{}: tokenizer.ggml.tokens has {} entries, a retrieval model takes at most {}",
                    options.vocabulary.string(), vocabulary, kMostCodes);
    }
    const RetrievalLayout layout{options.suffix};
    set_model_keys(writer.keys(), shape_of(layout, vocabulary), "constructed retrieval model", type.number);
    const std::vector<ConstructedTensor> tensors = retrieval_tensors(layout, vocabulary);
    const auto type_of = [&](const ConstructedTensor & tensor) { return tensor.rows == 1 ? GGML_TYPE_F32 : type.type; };
    for (const ConstructedTensor & tensor : tensors) {
        writer.add(tensor.name, type_of(tensor), tensor.columns, tensor.rows);
    }
    writer.begin(path);
    for (const ConstructedTensor & tensor : tensors) {
        put_tensor(tensor, type_of(tensor), writer);
    }
    return writer.commit();
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv
