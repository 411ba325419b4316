#include "run/prefill_products.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/raise.h"
#include "product/instruction_sets.h"

namespace snapkv::run {

namespace {

using product::Element;
using product::WidenedProducts;

bool every_layer(const model::HyperParameters & params, const model::Decoder & decoder,
                 bool (*holds)(std::span<const product::Linear>)) {
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (!holds(decoder.matrices(layer))) {
            return false;
        }
    }
    return true;
}

bool all_widen(std::span<const product::Linear> linears) {
    return std::all_of(linears.begin(), linears.end(), WidenedProducts::widens);
}

}  // namespace

std::optional<Element> PrefillProducts::choose(const model::HyperParameters & params, const model::Decoder & decoder,
                                               ProductPath asked) {
    if (asked == ProductPath::Stored) {
        return std::nullopt;
    }
    const bool automatic = asked == ProductPath::Auto;
    const bool widen = every_layer(params, decoder, all_widen);
    const bool int8 = widen && every_layer(params, decoder, WidenedProducts::takes_int8);
    if (int8 && (asked == ProductPath::Int8 || (automatic && !product::gemm_floats_are_fastest()))) {
        return Element::I8;
    }
    if (asked == ProductPath::Int8) {
        raise_usage("8-bit products need a processor with AVX2 and quantised weights");
    }
    if (widen && product::gemm_available(Element::F32)) {
        return asked == ProductPath::WidenedF32 ? Element::F32 : WidenedProducts::float_element(decoder.matrices(0));
    }
    if (!automatic) {
        raise_usage("widened products need a build with oneDNN, a processor with AVX2 and weights in plain memory");
    }
    return std::nullopt;
}

PrefillProducts::PrefillProducts(const model::Decoder & decoder, Compute & compute, std::shared_ptr<Meter> work,
                                 std::optional<Element> element)
    : decoder_(decoder), compute_(compute) {
    if (element) {
        widened_ = std::make_unique<WidenedProducts>(*element, compute.threads(Compute::Phase::Prefill), compute.halt(),
                                                     std::move(work));
    }
}

std::uint64_t PrefillProducts::bytes(const model::Decoder & decoder, Compute & compute,
                                     std::optional<Element> element) {
    const auto taken = std::make_shared<Meter>();
    PrefillProducts products(decoder, compute, taken, element);
    products.reserve_layers();
    return taken->alive() + products.widening_bytes();
}

product::Products & PrefillProducts::products() {
    if (widened_) {
        return *widened_;
    }
    return stored_;
}

void PrefillProducts::reserve_layer(std::uint32_t layer) {
    if (widened_) {
        widened_->begin_layer(decoder_.matrices(layer));
    }
}

void PrefillProducts::reserve_layers() {
    for (std::uint32_t layer = 0; layer < decoder_.layers(); ++layer) {
        reserve_layer(layer);
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

std::string PrefillProducts::describe(std::optional<Element> element) {
    if (!element) {
        return "products: ggml's, on the weights as they are stored";
    }
    switch (*element) {
        case Element::I8:
            return fmt::format(
                "products: of 8-bit integers ({}), a layer's weights and inputs with a scale for each 32",
                product::name_of(product::instruction_set().value()));
        case Element::BF16:
            return "products: oneDNN's, a layer's weights widened to bf16";
        default:
            return "products: oneDNN's, a layer's weights widened to f32";
    }
}

}  // namespace snapkv::run
