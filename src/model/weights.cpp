#include "model/weights.h"

#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/headroom.h"
#include "base/raise.h"
#include "base/resident.h"
#include "base/thread.h"
#include "ggml-cpu.h"
#include "gguf/in_quotes.h"
#include "product/gemm.h"

namespace snapkv::model {

namespace {

constexpr std::uintptr_t kMappedAlignment = 32;  // what ggml's vector code may assume of a tensor

ggml_backend_dev_t cpu_device() {
    return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
}

std::vector<ggml_backend_buffer_type_t> extra_buffer_types() {
    std::vector<ggml_backend_buffer_type_t> types;
    ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(cpu_device());
    void * address = ggml_backend_reg_get_proc_address(reg, "ggml_backend_dev_get_extra_bufts");
    if (address != nullptr) {
        const auto get = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(address);
        for (ggml_backend_buffer_type_t * type = get(cpu_device()); type != nullptr && *type != nullptr; ++type) {
            types.push_back(*type);
        }
    }
    return types;
}

ContextPtr tensor_context(std::size_t tensors) {
    const ggml_init_params params{tensors * ggml_tensor_overhead(), nullptr, true};
    require_memory(params.mem_size);
    return ContextPtr(ggml_init(params));
}

bool multiplies(ggml_type type) {
    return type == GGML_TYPE_F32 || ggml_get_type_traits_cpu(type)->vec_dot != nullptr;
}

/// Would this buffer type multiply such a weight? Asked of the backend with a dummy product, as libllama does.
bool serves(ggml_backend_buffer_type_t buffer_type, const gguf::TensorInfo & info) {
    const ContextPtr ctx = tensor_context(8);
    ggml_tensor * weight = ggml_new_tensor_2d(ctx.get(), info.type, info.ne[0], info.ne[1]);
    ggml_tensor * input = ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, info.ne[0], 512);
    ggml_tensor * product = ggml_mul_mat(ctx.get(), weight, input);
    const BufferPtr dummy(ggml_backend_buft_alloc_buffer(buffer_type, 0));
    weight->buffer = dummy.get();
    const bool supported = ggml_backend_dev_supports_op(cpu_device(), product);
    weight->buffer = nullptr;
    return supported;
}

/// Gives back the mapped pages that lie wholly within a range that was copied elsewhere.
void release_pages(std::span<const std::byte> range) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(range.data()) + page - 1) / page * page;
    const auto end = reinterpret_cast<std::uintptr_t>(range.data() + range.size()) / page * page;
    if (begin < end) {
        ::madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);  // NOLINT(performance-no-int-to-ptr)
    }
}

}  // namespace

std::string layer_prefix(std::uint32_t layer) {
    return fmt::format("blk.{}.", layer);
}

bool Weights::prefills_from_rows(const gguf::File & file) {
    // Routers and convolutions go through ggml's own operations.
    const auto is_byte_product = [](const gguf::TensorInfo & info) {
        return !info.name.starts_with("blk.") || info.ne[1] == 1 || ggml_is_quantized(info.type) ||
               info.name.ends_with(".ffn_gate_inp.weight") || info.name.ends_with(".ssm_conv1d.weight");
    };
    return product::gemm_available(product::Element::F32) ||
           (product::gemm_available(product::Element::I8) &&
            std::all_of(file.tensors().begin(), file.tensors().end(), is_byte_product));
}

// Repacked copies would only take memory where a prefill copies plain rows: single rows of them are as fast.
Weights::Weights(const gguf::File & file)
    : file_(file),
      extra_types_(prefills_from_rows(file) ? std::vector<ggml_backend_buffer_type_t>() : extra_buffer_types()) {}

ggml_backend_buffer_type_t Weights::choose(const gguf::TensorInfo & info, Use use) const {
    if (use == Use::Multiply) {
        for (ggml_backend_buffer_type_t type : extra_types_) {
            if (serves(type, info)) {
                return type;
            }
        }
    }
    const auto address = reinterpret_cast<std::uintptr_t>(file_.data(info).data());
    return address % kMappedAlignment == 0 ? nullptr : ggml_backend_cpu_buffer_type();
}

ggml_tensor * Weights::optional(const std::string & name, std::initializer_list<std::int64_t> shape, Use use) {
    return file_.find_tensor(name) == nullptr ? nullptr : require(name, shape, use);
}

ggml_tensor * Weights::require(const std::string & name, std::initializer_list<std::int64_t> shape, Use use) {
    const gguf::TensorInfo * info = file_.find_tensor(name);
    if (info == nullptr) {
        raise_input("{}: tensor {} is missing", file_.path().string(), name);
    }
    std::array<std::int64_t, 4> expected{1, 1, 1, 1};
    std::copy(shape.begin(), shape.end(), expected.begin());
    if (info->ne != expected) {
        raise_input("{}: tensor {} has shape [{}], expected [{}]", file_.path_of(*info).string(), name,
                    fmt::join(info->ne, ", "), fmt::join(expected, ", "));
    }
    const bool usable = use == Use::Elements ? info->type == GGML_TYPE_F32 : multiplies(info->type);
    if (!usable) {
        raise_input("{}: tensor {} has type {}, {}", file_.path_of(*info).string(), name, ggml_type_name(info->type),
                    use == Use::Elements ? "expected f32" : "which cannot be multiplied on this machine");
    }
    ggml_backend_buffer_type_t place = choose(*info, use);
    ggml_tensor *& mapped = taken_[name];
    if (place == nullptr && mapped != nullptr) {
        return mapped;  // taken twice (tied embeddings), but there once
    }
    bytes_ += info->bytes;
    Group & group = groups_[place];
    group.bytes += info->bytes;
    if (!group.ctx) {
        group.ctx = tensor_context(file_.tensors().size() + 1);
    }
    ggml_tensor * tensor = ggml_new_tensor(group.ctx.get(), info->type, GGML_MAX_DIMS, info->ne.data());
    ggml_set_name(tensor, name.c_str());
    group.tensors.push_back({info, tensor});
    mapped = place == nullptr ? tensor : mapped;
    return tensor;
}

void Weights::ignore(std::string_view prefix) {
    for (const gguf::TensorInfo & info : file_.tensors()) {
        if (info.name.starts_with(prefix)) {
            taken_.try_emplace(info.name, nullptr);
        }
    }
}

void Weights::map(const Group & group) {
    std::vector<ggml_backend_buffer_t> buffers;
    for (const gguf::Part & part : file_.parts()) {
        // ggml takes a mutable address; nothing writes to weights.
        auto * base = const_cast<std::byte *>(part.bytes.data());
        BufferPtr buffer(ggml_backend_cpu_buffer_from_ptr(base, part.bytes.size()));
        ggml_backend_buffer_set_usage(buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
        buffers.push_back(buffer.get());
        buffers_.push_back(std::move(buffer));
    }
    for (const Placed & placed : group.tensors) {
        auto * data = const_cast<std::byte *>(file_.data(*placed.info).data());
        ggml_backend_tensor_alloc(buffers[placed.info->part], placed.tensor, data);
    }
}

void Weights::fill(ggml_backend_buffer_type_t type, Group & group, const std::function<void(std::uint64_t)> & placed) {
    BufferPtr buffer(ggml_backend_alloc_ctx_tensors_from_buft(group.ctx.get(), type));
    if (!buffer) {
        raise_machine("{}: no memory for weights in {} buffers", file_.path().string(), ggml_backend_buft_name(type));
    }
    ggml_backend_buffer_set_usage(buffer.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    Service service;  // ggml's kernels repack
    for (const Placed & each : group.tensors) {
        const auto data = file_.data(*each.info);
        service.call([&] { ggml_backend_tensor_set(each.tensor, data.data(), 0, data.size()); });
        release_pages(data);
        repacked_ += data.size();
        placed(data.size());
    }
    buffers_.push_back(std::move(buffer));
}

void Weights::release_layer(std::uint32_t layer) const {
    const auto mapped = groups_.find(nullptr);
    if (mapped == groups_.end()) {
        return;
    }
    const std::string prefix = layer_prefix(layer);
    for (const Placed & placed : mapped->second.tensors) {
        if (placed.info->name.starts_with(prefix)) {
            release_pages(file_.data(*placed.info));
        }
    }
}

void Weights::finish(const std::function<void(std::string_view)> & log,
                     const std::function<void(std::uint64_t)> & placed) {
    const std::function<void(std::uint64_t)> tell = placed ? placed : [](std::uint64_t) {};
    for (const gguf::TensorInfo & info : file_.tensors()) {
        if (!taken_.contains(info.name)) {
            raise_input("{}: tensor {} is not part of a supported architecture", file_.path_of(info).string(),
                        gguf::in_quotes(info.name));
        }
    }
    std::uint64_t copied = 0;
    for (const auto & [type, group] : groups_) {
        copied += type == nullptr ? 0 : group.bytes;
    }
    const auto require = [&](std::uint64_t bytes, std::uint64_t available) {
        if (bytes > available) {
            raise_machine("{}: the weights take {} MiB, {} MiB are available", file_.path().string(), bytes >> 20U,
                          available >> 20U);
        }
    };
    require(bytes_, available_physical_memory());
    require(copied, available_address_space());  // the mapped ones have theirs already
    for (auto & [type, group] : groups_) {
        if (type == nullptr) {
            map(group);
            tell(group.bytes);
        } else {
            fill(type, group, tell);
        }
        if (log) {
            log(fmt::format("weights: {} tensors, {:.1f} MiB in {}", group.tensors.size(),
                            static_cast<double>(group.bytes) / (1 << 20U),
                            type == nullptr ? "the mapped file" : ggml_backend_buft_name(type)));
        }
    }
}

}  // namespace snapkv::model
