// Stands in for gemm_onednn.cpp where oneDNN was not found.
#include "base/raise.h"
#include "product/gemm_onednn.h"

namespace snapkv::product {

bool onednn_available(Element /*element*/) {
    return false;
}

bool onednn_has_tiles() {
    return false;
}

bool onednn_has_avx512() {
    return false;
}

std::shared_ptr<const PackedLayout::Impl> onednn_layout(Element /*element*/, std::uint32_t /*columns*/,
                                                        std::uint32_t /*depth*/) {
    raise_machine("this build has no oneDNN");
}

std::shared_ptr<const Gemm::Impl> onednn_gemm(Element /*element*/, Gemm::Mode /*mode*/, bool /*bias*/,
                                              std::uint32_t /*rows*/, const PackedLayout & /*layout*/) {
    raise_machine("this build has no oneDNN");
}

}  // namespace snapkv::product
