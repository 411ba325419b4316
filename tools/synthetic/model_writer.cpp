#include "synthetic/model_writer.h"

#include <array>

#include "base/headroom.h"

namespace snapkv::synthetic {

ModelWriter::ModelWriter(const std::atomic<bool> * stop, const Progress & progress)
    : stop_(stop), progress_(progress), file_(gguf_init_empty()) {}

void ModelWriter::add(const std::string & name, ggml_type type, std::uint32_t columns, std::uint32_t rows,
                      std::uint32_t matrices) {
    listed_.push_back({name, type, columns, rows, matrices});
}

void ModelWriter::list_tensors() {
    const ggml_init_params params{(listed_.size() + 1) * ggml_tensor_overhead(), nullptr, true};
    require_memory(params.mem_size);
    tensors_.reset(ggml_init(params));
    for (const Listed & listed : listed_) {
        const std::array<std::int64_t, 3> sizes{listed.columns, listed.rows, listed.matrices};
        const int dimensions = listed.matrices > 1 ? 3 : listed.rows > 1 ? 2 : 1;
        ggml_tensor * tensor = ggml_new_tensor(tensors_.get(), listed.type, dimensions, sizes.data());
        ggml_set_name(tensor, listed.name.c_str());
        gguf_add_tensor(file_.get(), tensor);
        total_ += GGML_PAD(ggml_nbytes(tensor), gguf_get_alignment(file_.get()));
        result_.parameters += std::uint64_t{listed.columns} * listed.rows * listed.matrices;
    }
}

void ModelWriter::begin(const std::filesystem::path & path) {
    list_tensors();
    std::vector<std::byte> header(gguf_get_meta_size(file_.get()));
    gguf_get_meta_data(file_.get(), header.data());
    total_ += header.size();
    output_.emplace(path);
    put(header);
}

void ModelWriter::put(std::span<const std::byte> bytes) {
    output_->write(bytes);
    result_.bytes += bytes.size();
    if (progress_) {
        progress_(result_.bytes, total_);
    }
}

void ModelWriter::end_tensor() {
    const std::vector<std::byte> zeros(GGML_PAD(result_.bytes, gguf_get_alignment(file_.get())) - result_.bytes);
    put(zeros);
}

bool ModelWriter::stopped() {
    const bool now = stop_ != nullptr && stop_->load(std::memory_order_relaxed);
    result_.interrupted = result_.interrupted || now;
    return result_.interrupted;
}

WrittenModel ModelWriter::commit() {
    if (!result_.interrupted) {
        output_->commit();
    }
    return result_;
}

}  // namespace snapkv::synthetic
