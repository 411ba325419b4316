// Stands in for gemm_onednn.cpp where oneDNN was not found: ggml's products then serve every prefill.
#include "base/raise.h"
#include "product/gemm.h"

namespace snapkv::product {

bool gemm_available() {
    return false;
}

bool gemm_has_bf16() {
    return false;
}

bool gemm_rows_are_independent() {
    return false;
}

struct PackedLayout::Impl {};
struct Gemm::Impl {};

PackedLayout::PackedLayout(Element /*element*/, std::uint32_t columns, std::uint32_t depth)
    : columns_(columns), depth_(depth) {
    raise_machine("this build has no oneDNN");
}

std::size_t PackedLayout::bytes() const {
    return 0;
}

void PackedLayout::pack(const float * /*panel*/, std::uint32_t /*first*/, std::uint32_t /*count*/,
                        void * /*packed*/) const {}

Gemm::Gemm(Element /*element*/, Mode /*mode*/, bool /*bias*/, std::uint32_t /*rows*/, const PackedLayout & /*layout*/) {
    raise_machine("this build has no oneDNN");
}

std::size_t Gemm::scratch_bytes() const {
    return 0;
}

void Gemm::run(const void * /*input*/, const void * /*weights*/, const float * /*bias*/, float * /*out*/,
               std::byte * /*scratch*/) const {}

}  // namespace snapkv::product
