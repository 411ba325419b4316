// The only place that knows oneDNN.
#include <execinfo.h>
#include <sys/resource.h>

#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>

#include "base/headroom.h"
#include "base/raise.h"
#include "product/gemm_onednn.h"

// Of OpenMP's interface just this is needed, and its header is not where every compiler looks.
extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int count);
}

namespace snapkv::product {

namespace {

using dnnl::memory;

/// oneDNN splits its work over OpenMP's threads; here ggml's threads split it, so each sees a team of one. Restores
/// the caller's own setting, which is a thread's.
class OneThread {
public:
    OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
    ~OneThread() { omp_set_num_threads(before_); }
    OneThread(const OneThread &) = delete;
    OneThread & operator=(const OneThread &) = delete;

private:
    int before_;
};

/// Exceptions of oneDNN's pass through the C library, which loads what it unwinds with when it first needs it, and
/// aborts where there is no memory for that: so it is loaded with the program.
[[maybe_unused]] const int unwinder_loaded = [] {
    void * frame = nullptr;
    return ::backtrace(&frame, 1);
}();

// Room for what oneDNN allocates without a look at whether it got it: to generate a product's code, a reorder's, and to
// run what was generated.
constexpr std::size_t kCodeOfProduct = std::size_t{64} << 20U;
constexpr std::size_t kCodeOfReorder = std::size_t{16} << 20U;
constexpr std::size_t kRun = std::size_t{64} << 10U;

/// Several threads that probe for the same memory would each find it there, or refuse each other; without a limit of
/// addresses they need not wait for one another.
std::unique_lock<std::mutex> alone_where_addresses_are_limited() {
    static std::mutex mutex;
    std::unique_lock lock(mutex, std::defer_lock);
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        lock.lock();
    }
    return lock;
}

/// What work with oneDNN returns; where oneDNN fails (memory, for the most part), Error(Machine).
template <typename Work>
auto checked(std::size_t room, const Work & work) {
    const auto alone = room > kRun ? alone_where_addresses_are_limited() : std::unique_lock<std::mutex>();
    require_memory(room);
    const OneThread one;
    try {
        return work();
    } catch (const dnnl::error & error) {
        raise_machine("oneDNN: {}", error.what());
    }
}

const dnnl::engine & cpu_engine() {
    static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    return engine;
}

/// The best instruction set that oneDNN may use.
dnnl::cpu_isa instruction_set() {
#if defined(SNAPKV_AVX2)
    static const dnnl::status limited = dnnl::set_max_cpu_isa(dnnl::cpu_isa::avx2);  // counts before the first product
    static_cast<void>(limited);
#endif
    return dnnl::get_effective_cpu_isa();
}

memory::data_type type_of(Element element) {
    return element == Element::F32 ? memory::data_type::f32 : memory::data_type::bf16;
}

dnnl::matmul::primitive_desc describe(Element element, Gemm::Mode mode, bool bias, std::uint32_t rows,
                                      std::uint32_t columns, std::uint32_t depth) {
    return checked(kCodeOfProduct, [&] {
        const auto type = type_of(element);
        const memory::desc input({rows, depth}, type, memory::format_tag::ab);
        const memory::desc weights({depth, columns}, type, memory::format_tag::any);
        const memory::desc out({rows, columns}, memory::data_type::f32, memory::format_tag::ab);
        dnnl::primitive_attr attributes;
        attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
        if (mode == Gemm::Mode::Accumulate) {
            dnnl::post_ops sum;
            sum.append_sum(1.0F);
            attributes.set_post_ops(sum);
        }
        const memory::desc row({1, columns}, memory::data_type::f32, memory::format_tag::ab);
        const auto operation = bias ? dnnl::matmul::desc(input, weights, row, out)  //
                                    : dnnl::matmul::desc(input, weights, out);
        return dnnl::matmul::primitive_desc(operation, attributes, cpu_engine());
    });
}

/// Rows that the layout is asked for with; it is the same for any number.
constexpr std::uint32_t kUsualRows = 128;

struct Layout final : PackedLayout::Impl {
    Layout(Element element, std::uint32_t columns, std::uint32_t its_depth)
        : packed(describe(element, Gemm::Mode::Store, false, kUsualRows, columns, its_depth).weights_desc()),
          depth(its_depth) {}

    [[nodiscard]] std::size_t bytes() const override { return packed.get_size(); }

    void pack(const float * panel, std::size_t stride, std::uint32_t first, std::uint32_t count,
              void * to) const override {
        checked(kCodeOfReorder, [&] {
            dnnl::stream stream(cpu_engine());
            const memory::desc from({depth, count}, memory::data_type::f32,
                                    memory::dims{1, static_cast<memory::dim>(stride)});
            // oneDNN takes mutable addresses; a source is only read.
            memory source(from, cpu_engine(), const_cast<float *>(panel));
            memory target(packed.submemory_desc({depth, count}, {0, first}), cpu_engine(), to);
            dnnl::reorder(source, target).execute(stream, source, target);
        });
    }

    memory::desc packed;
    memory::dim depth;
};

struct Product final : Gemm::Impl {
    Product(dnnl::matmul::primitive_desc its_description, bool with_bias)
        : description(std::move(its_description)), product(description), bias(with_bias) {}

    [[nodiscard]] std::size_t scratch_bytes() const override { return description.scratchpad_desc().get_size(); }

    void run(const void * input, const void * weights, const float * bias_values, float * out,
             std::byte * scratch) const override {
        checked(kRun, [&] {
            const dnnl::engine & engine = cpu_engine();
            dnnl::stream stream(engine);
            std::unordered_map<int, memory> arguments{
                {DNNL_ARG_SRC, memory(description.src_desc(), engine, const_cast<void *>(input))},
                {DNNL_ARG_WEIGHTS, memory(description.weights_desc(), engine, const_cast<void *>(weights))},
                {DNNL_ARG_DST, memory(description.dst_desc(), engine, out)},
                {DNNL_ARG_SCRATCHPAD, memory(description.scratchpad_desc(), engine, scratch)}};
            if (bias) {
                arguments.insert(
                    {DNNL_ARG_BIAS, memory(description.bias_desc(), engine, const_cast<float *>(bias_values))});
            }
            product.execute(stream, arguments);
        });
    }

    dnnl::matmul::primitive_desc description;
    dnnl::matmul product;
    bool bias;
};

}  // namespace

bool onednn_available(Element element) {
    switch (instruction_set()) {
        case dnnl::cpu_isa::avx512_core_bf16:
        case dnnl::cpu_isa::avx512_core_amx:
            return true;
        default:
            return element == Element::F32 && instruction_set() >= dnnl::cpu_isa::avx2;
    }
}

bool onednn_has_tiles() {
    return instruction_set() == dnnl::cpu_isa::avx512_core_amx;
}

bool onednn_has_avx512() {
    return instruction_set() >= dnnl::cpu_isa::avx512_core;
}

std::shared_ptr<const PackedLayout::Impl> onednn_layout(Element element, std::uint32_t columns, std::uint32_t depth) {
    return std::make_shared<Layout>(element, columns, depth);
}

std::shared_ptr<const Gemm::Impl> onednn_gemm(Element element, Gemm::Mode mode, bool bias, std::uint32_t rows,
                                              const PackedLayout & layout) {
    auto description = describe(element, mode, bias, rows, layout.columns(), layout.depth());
    if (description.weights_desc() != static_cast<const Layout &>(layout.impl()).packed) {
        raise_machine("oneDNN wants another layout of weights for {} rows", rows);
    }
    return checked(kCodeOfProduct, [&] { return std::make_shared<Product>(std::move(description), bias); });
}

}  // namespace snapkv::product
