#include "run/prefill_products.h"

#include <algorithm>

#include "base/raise.h"

namespace snapkv::run {

namespace {

using product::WidenedProducts;

product::Element element_of(const model::Architecture & architecture, ProductPath asked) {
    return asked == ProductPath::WidenedF32 ? product::Element::F32
                                            : WidenedProducts::best_element(architecture.matrices(0));
}

bool every_matrix_widens(const model::HyperParameters & params, const model::Architecture & architecture) {
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const auto matrices = architecture.matrices(layer);
        if (!std::all_of(matrices.begin(), matrices.end(), WidenedProducts::widens)) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool PrefillProducts::widens(const model::HyperParameters & params, const model::Architecture & architecture,
                             ProductPath asked, std::uint64_t tokens) {
    if (asked == ProductPath::Stored || (asked == ProductPath::Auto && tokens < kWidenTokens)) {
        return false;
    }
    const bool can = product::gemm_available() && every_matrix_widens(params, architecture);
    if (!can && asked != ProductPath::Auto) {
        raise_usage("widened products need a build with oneDNN, a processor with AVX2 and weights in plain memory");
    }
    return can;
}

PrefillProducts::PrefillProducts(const model::Architecture & architecture, Compute & compute,
                                 std::shared_ptr<Meter> work, ProductPath asked, bool widen)
    : architecture_(architecture), compute_(compute) {
    if (widen) {
        widened_ = std::make_unique<WidenedProducts>(element_of(architecture, asked),
                                                     compute.threads(Compute::Phase::Prefill), std::move(work));
    }
}

product::Products & PrefillProducts::products() {
    if (widened_) {
        return *widened_;
    }
    return stored_;
}

void PrefillProducts::reserve_layer(std::uint32_t layer) {
    if (widened_) {
        widened_->begin_layer(architecture_.matrices(layer));
    }
}

void PrefillProducts::begin_layer(std::uint32_t layer) {
    if (widened_) {
        reserve_layer(layer);
        compute_.parallel([this] { widened_->widen(); });
    }
}

void PrefillProducts::begin_graph() {
    if (widened_) {
        widened_->begin_graph();
    }
}

std::string PrefillProducts::describe(const model::Architecture & architecture, ProductPath asked, bool widen) {
    if (!widen) {
        return "products: ggml's, on the weights as they are stored";
    }
    return element_of(architecture, asked) == product::Element::BF16
               ? "products: oneDNN's, a layer's weights widened to bf16"
               : "products: oneDNN's, a layer's weights widened to f32";
}

}  // namespace snapkv::run
