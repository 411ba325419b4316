#include "snapkv/random_model.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <memory>
#include <string_view>

#include "base/raise.h"
#include "base/whole_file.h"
#include "synthetic/random_blocks.h"
#include "synthetic/shape.h"
#include "synthetic/vocabulary.h"

namespace snapkv {

namespace synthetic {
namespace {

struct Free {
    void operator()(gguf_context * file) const { gguf_free(file); }
    void operator()(ggml_context * tensors) const { ggml_free(tensors); }
};

struct FileType {
    ggml_type type;
    std::uint32_t number;  ///< LLAMA_FTYPE_*, as files state what most of their weights are
};

/// Types that ggml quantises without knowing which weights matter.
constexpr std::array types{FileType{GGML_TYPE_F32, 0},   FileType{GGML_TYPE_F16, 1},    FileType{GGML_TYPE_BF16, 32},
                           FileType{GGML_TYPE_Q4_0, 2},  FileType{GGML_TYPE_Q4_1, 3},   FileType{GGML_TYPE_Q5_0, 8},
                           FileType{GGML_TYPE_Q5_1, 9},  FileType{GGML_TYPE_Q8_0, 7},   FileType{GGML_TYPE_Q2_K, 10},
                           FileType{GGML_TYPE_Q3_K, 11}, FileType{GGML_TYPE_Q4_K, 14},  FileType{GGML_TYPE_Q5_K, 16},
                           FileType{GGML_TYPE_Q6_K, 18}, FileType{GGML_TYPE_IQ4_NL, 25}};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
    return text;
}

FileType find_type(const std::string & name) {
    for (const FileType & type : types) {
        if (lower(ggml_type_name(type.type)) == lower(name)) {
            return type;
        }
    }
    raise_usage("--type: \"{}\" is not one of {}", name, fmt::join(random_model_types(), ", "));
}

void check_rows(const std::vector<TensorPlan> & plan, ggml_type type, const Shape & shape) {
    const std::uint32_t piece = RandomBlocks::piece_elements(type);
    for (const TensorPlan & tensor : plan) {
        if (tensor.columns % piece != 0) {
            raise_usage("--type {} comes in blocks of {}, which do not divide the rows of {} in the shape {}",
                        ggml_type_name(type), piece, tensor.columns, shape.name);
        }
    }
}

void set_keys(gguf_context * file, const Shape & shape, std::uint32_t file_type) {
    gguf_set_val_str(file, "general.architecture", "llama");
    gguf_set_val_str(file, "general.name", fmt::format("{} with random weights", shape.name).c_str());
    gguf_set_val_u32(file, "general.file_type", file_type);
    gguf_set_val_u32(file, "general.quantization_version", GGML_QNT_VERSION);
    gguf_set_val_u32(file, "llama.block_count", shape.layers);
    gguf_set_val_u32(file, "llama.context_length", shape.context);
    gguf_set_val_u32(file, "llama.embedding_length", shape.width);
    gguf_set_val_u32(file, "llama.feed_forward_length", shape.feed_forward);
    gguf_set_val_u32(file, "llama.attention.head_count", shape.heads);
    gguf_set_val_u32(file, "llama.attention.head_count_kv", shape.kv_heads);
    gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    gguf_set_val_u32(file, "llama.rope.dimension_count", shape.head_size());
    gguf_set_val_f32(file, "llama.rope.freq_base", shape.rope_base);
    gguf_set_val_u32(file, "llama.vocab_size", shape.vocabulary);
}

/// Writes one file: header first, then tensor after tensor.
class Writer {
public:
    Writer(const std::filesystem::path & path, const RandomModelOptions & options,
           const std::function<void(std::uint64_t, std::uint64_t)> & progress)
        : options_(options), progress_(progress), type_(find_type(options.type).type), file_(gguf_init_empty()) {
        Shape shape = find_shape(options);
        if (options.vocabulary.empty()) {
            add_byte_vocabulary(file_.get(), shape.vocabulary);
        } else {
            shape.vocabulary = copy_vocabulary(file_.get(), options.vocabulary);
        }
        set_keys(file_.get(), shape, find_type(options.type).number);
        plan_ = plan_tensors(shape);
        check_rows(plan_, type_, shape);
        list_tensors();
        output_.emplace(path);
    }

    RandomModelResult write() {
        std::vector<std::byte> header(gguf_get_meta_size(file_.get()));
        gguf_get_meta_data(file_.get(), header.data());
        total_ += header.size();
        put(header);
        for (std::size_t index = 0; index < plan_.size(); ++index) {
            const TensorPlan & tensor = plan_[index];
            result_.parameters += std::uint64_t{tensor.columns} * tensor.rows;
            if (tensor.deviation == 0) {
                const std::vector<float> ones(tensor.columns, 1.0F);
                put(std::as_bytes(std::span(ones)));
            } else {
                put_random(index);
            }
            if (result_.interrupted) {
                return result_;
            }
            pad();
        }
        output_->commit();
        return result_;
    }

private:
    [[nodiscard]] ggml_type type_of(const TensorPlan & tensor) const {
        return tensor.deviation == 0 ? GGML_TYPE_F32 : type_;
    }

    void list_tensors() {
        const ggml_init_params params{(plan_.size() + 1) * ggml_tensor_overhead(), nullptr, true};
        tensors_.reset(ggml_init(params));
        for (const TensorPlan & planned : plan_) {
            ggml_tensor * tensor =
                planned.deviation == 0
                    ? ggml_new_tensor_1d(tensors_.get(), GGML_TYPE_F32, planned.columns)
                    : ggml_new_tensor_2d(tensors_.get(), type_of(planned), planned.columns, planned.rows);
            ggml_set_name(tensor, planned.name.c_str());
            gguf_add_tensor(file_.get(), tensor);
            total_ += GGML_PAD(ggml_nbytes(tensor), gguf_get_alignment(file_.get()));
        }
    }

    const RandomBlocks & blocks(float deviation) {
        const auto found = pools_.find(deviation);
        if (found != pools_.end()) {
            return found->second;
        }
        const std::uint64_t seed = (std::uint64_t{options_.seed} << 32U) | std::bit_cast<std::uint32_t>(deviation);
        return pools_.emplace(deviation, RandomBlocks(type_, deviation, seed)).first->second;
    }

    void put_random(std::size_t index) {
        constexpr std::size_t portion = std::size_t{1} << 20U;
        const TensorPlan & tensor = plan_[index];
        const RandomBlocks & pool = blocks(tensor.deviation);
        Random random((std::uint64_t{options_.seed} << 32U) + index);
        std::uint64_t left = ggml_row_size(type_, tensor.columns) * tensor.rows;
        buffer_.resize(portion / pool.piece_bytes() * pool.piece_bytes());
        while (left > 0 && !stopped()) {
            const auto bytes = std::span(buffer_).first(std::min<std::uint64_t>(left, buffer_.size()));
            pool.draw(random, bytes);
            put(bytes);
            left -= bytes.size();
        }
    }

    bool stopped() {
        const bool now = options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed);
        result_.interrupted = result_.interrupted || now;
        return now;
    }

    void put(std::span<const std::byte> bytes) {
        output_->write(bytes);
        result_.bytes += bytes.size();
        if (progress_) {
            progress_(result_.bytes, total_);
        }
    }

    void pad() {
        const std::size_t alignment = gguf_get_alignment(file_.get());
        const std::vector<std::byte> zeros(GGML_PAD(result_.bytes, alignment) - result_.bytes);
        put(zeros);
    }

    const RandomModelOptions & options_;
    const std::function<void(std::uint64_t, std::uint64_t)> & progress_;
    ggml_type type_;
    std::unique_ptr<gguf_context, Free> file_;
    std::unique_ptr<ggml_context, Free> tensors_;
    std::vector<TensorPlan> plan_;
    std::map<float, RandomBlocks> pools_;  ///< by deviation
    std::vector<std::byte> buffer_;
    std::optional<WholeFile> output_;
    RandomModelResult result_;
    std::uint64_t total_ = 0;
};

}  // namespace
}  // namespace synthetic

const std::vector<std::string> & random_model_types() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const auto & type : synthetic::types) {
            list.push_back(synthetic::lower(ggml_type_name(type.type)));
        }
        return list;
    }();
    return names;
}

RandomModelResult write_random_model(const std::filesystem::path & path, const RandomModelOptions & options,
                                     const std::function<void(std::uint64_t, std::uint64_t)> & progress) {
    return synthetic::Writer(path, options, progress).write();
}

}  // namespace snapkv
