#include "model/family.h"

#include <algorithm>
#include <array>

#include "model/arch/arch.h"

namespace snapkv::model {

std::span<const Family * const> families() {
    static constexpr std::array kAll{&kLlama,  &kQwen2,     &kQwen2Moe, &kQwen3,      &kQwen3Moe, &kQwen3Next,
                                     &kQwen35, &kQwen35Moe, &kGemma2,   &kGemma3,     &kCommandR, &kCohere2,
                                     &kPhi3,   &kSmolLm3,   &kGranite,  &kGraniteMoe, &kGptOss,   &kDeepSeek2};
    return kAll;
}

const Family * find_family(std::string_view name) {
    const auto all = families();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Family * each) { return each->name == name; });
    return found == all.end() ? nullptr : *found;
}

}  // namespace snapkv::model
