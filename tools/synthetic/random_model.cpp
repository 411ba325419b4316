#include "snapkv/tools/random_model.h"

#include <algorithm>
#include <bit>
#include <map>
#include <new>
#include <utility>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "synthetic/file_types.h"
#include "synthetic/model_keys.h"
#include "synthetic/model_writer.h"
#include "synthetic/random_blocks.h"
#include "synthetic/tensor_plan.h"
#include "synthetic/vocabulary.h"
#include "synthetic/write_shape.h"

namespace snapkv {

namespace synthetic {
namespace {

ggml_type type_of(const TensorPlan & tensor, ggml_type type) {
    return tensor.float32 ? GGML_TYPE_F32 : type;
}

void check_rows(const std::vector<TensorPlan> & plan, ggml_type type, const Shape & shape) {
    const std::uint32_t piece = RandomBlocks::piece_elements(type);
    for (const TensorPlan & tensor : plan) {
        if (!tensor.float32 && tensor.columns % piece != 0) {
            raise_usage("--type {} comes in blocks of {}, which do not divide the rows of {} in the shape {}",
                        ggml_type_name(type), piece, tensor.columns, shape.name);
        }
    }
}

/// The random contents of one file, tensor after tensor.
class RandomWeights {
public:
    RandomWeights(ggml_type type, std::uint32_t seed, ModelWriter & writer)
        : type_(type), seed_(seed), writer_(writer) {}

    /// Stops early where the writer is stopped.
    void put(const TensorPlan & tensor, std::size_t index) {
        if (tensor.deviation == 0) {
            const std::vector<float> ones(tensor.columns, 1.0F);
            writer_.put(std::as_bytes(std::span(ones)));
            return;
        }
        constexpr std::size_t portion = std::size_t{1} << 20U;
        const ggml_type type = type_of(tensor, type_);
        const RandomBlocks & pool = blocks(type, tensor.deviation);
        Random random((std::uint64_t{seed_} << 32U) + index);
        std::uint64_t left = std::uint64_t{ggml_row_size(type, tensor.columns)} * tensor.rows * tensor.matrices;
        buffer_.resize(portion / pool.piece_bytes() * pool.piece_bytes());
        while (left > 0 && !writer_.stopped()) {
            const auto bytes = std::span(buffer_).first(std::min<std::uint64_t>(left, buffer_.size()));
            pool.draw(random, bytes);
            writer_.put(bytes);
            left -= bytes.size();
        }
    }

private:
    const RandomBlocks & blocks(ggml_type type, float deviation) {
        const std::pair key(type, deviation);
        const auto found = pools_.find(key);
        if (found != pools_.end()) {
            return found->second;
        }
        const std::uint64_t seed = (std::uint64_t{seed_} << 32U) | std::bit_cast<std::uint32_t>(deviation);
        return pools_.emplace(key, RandomBlocks(type, deviation, seed)).first->second;
    }

    ggml_type type_;
    std::uint32_t seed_;
    ModelWriter & writer_;
    std::map<std::pair<ggml_type, float>, RandomBlocks> pools_;  ///< by type and deviation
    std::vector<std::byte> buffer_;
};

}  // namespace

WrittenModel write_shape(const std::filesystem::path & path, Shape shape, const RandomModelOptions & options,
                         const std::function<void(std::uint64_t, std::uint64_t)> & progress) {
    const FileType type = find_file_type(options.type, random_model_types());
    ModelWriter writer(options.stop, progress);
    if (options.vocabulary.empty()) {
        add_byte_vocabulary(writer.keys(), shape.vocabulary);
    } else {
        shape.vocabulary = copy_vocabulary(writer.keys(), options.vocabulary);
    }
    set_model_keys(writer.keys(), shape, fmt::format("{} with random weights", shape.name), type.number);
    const std::vector<TensorPlan> plan = plan_tensors(shape);
    check_rows(plan, type.type, shape);
    for (const TensorPlan & tensor : plan) {
        writer.add(tensor.name, type_of(tensor, type.type), tensor.columns, tensor.rows, tensor.matrices);
    }
    writer.begin(path);
    RandomWeights weights(type.type, options.seed, writer);
    for (std::size_t index = 0; index < plan.size() && !writer.stopped(); ++index) {
        weights.put(plan[index], index);
        writer.end_tensor();
    }
    return writer.commit();
}

}  // namespace synthetic

const std::vector<std::string> & random_model_types() {
    return synthetic::file_type_names();
}

WrittenModel write_random_model(const std::filesystem::path & path, const RandomModelOptions & options,
                                const std::function<void(std::uint64_t, std::uint64_t)> & progress) try {
    return synthetic::write_shape(path, synthetic::find_shape(options), options, progress);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv
