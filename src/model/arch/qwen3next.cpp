#include <algorithm>

#include "base/raise.h"
#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

/// Which layers recur: as a list says, one entry a layer of the file, or all but each n-th.
void read_layers(const KeyReader & keys, HyperParameters & params) {
    const char * list = "attention.recurrent_layers";
    const std::string file = keys.file().path().string();
    const auto listed = keys.file().find_integers(keys.name(list));
    const std::size_t all = std::size_t{params.layers} + params.unused_layers;
    if (listed && listed->size() != all) {
        raise_input("{}: {} has {} entries, expected {}, one per layer", file, keys.name(list), listed->size(), all);
    }
    const std::uint32_t interval = keys.number_or("full_attention_interval", 4, kMostContext);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        params.recurs.push_back(listed ? (*listed)[layer] != 0 : (layer + 1) % interval != 0);
    }
    if (params.attending_layers() == 0) {
        raise_input("{}: {} leaves no layer of {} that attends", file,
                    keys.name(listed ? list : "full_attention_interval"), params.layers);
    }
    if (params.attending_layers() == params.layers) {
        params.recurrence = {};
        params.recurs.clear();
    }
}

void read_recurrence(const KeyReader & keys, HyperParameters & params) {
    Recurrence & shape = params.recurrence;
    shape.kernel = keys.number("ssm.conv_kernel", kMostHeadSize);
    shape.size = keys.number("ssm.state_size", kMostHeadSize);
    shape.key_heads = keys.number("ssm.group_count", kMostElements);
    shape.value_heads = keys.number("ssm.time_step_rank", kMostElements);
    const std::uint32_t inner = keys.number("ssm.inner_size", kMostElements);
    const std::string file = keys.file().path().string();
    if (shape.value_heads % shape.key_heads != 0) {
        raise_input("{}: {} is {}, which {} {} does not divide", file, keys.name("ssm.time_step_rank"),
                    shape.value_heads, keys.name("ssm.group_count"), shape.key_heads);
    }
    if (shape.value_width() != inner) {
        raise_input("{}: {} is {}, expected {} heads of {}", file, keys.name("ssm.inner_size"), inner,
                    shape.value_heads, shape.size);
    }
    if (params.value_size != params.key_size) {
        raise_input("{}: {} is {}, expected {} as {}", file, keys.name("attention.value_length"), params.value_size,
                    params.key_size, keys.name("attention.key_length"));
    }
    read_layers(keys, params);
}

/// Positions of text are the same in time, height and width, so that sections which cover all pairs are one rotation.
void check_sections(const KeyReader & keys, const HyperParameters & params) {
    const char * key = "rope.dimension_sections";
    const auto sections = keys.file().find_integers(keys.name(key));
    constexpr std::size_t kParts = 3;
    bool covers = sections && sections->size() >= kParts;
    for (std::uint32_t pair = 0; covers && pair < params.rope.dimensions / 2; ++pair) {
        covers = pair / kParts < static_cast<std::uint64_t>(std::max<std::int64_t>((*sections)[pair % kParts], 0));
    }
    if (!covers) {
        raise_input("{}: {} does not cover {} pairs in time, height and width", keys.file().path().string(),
                    keys.name(key), params.rope.dimensions / 2);
    }
}

void read_next(const KeyReader & keys, HyperParameters & params) {
    read_unused_layers(keys, params);
    read_recurrence(keys, params);
    params.recurrence.interleaved = true;
    read_experts_beside_gated(keys, params);
}

void read_35(const KeyReader & keys, HyperParameters & params) {
    read_unused_layers(keys, params);
    read_recurrence(keys, params);
    check_sections(keys, params);
}

void read_35_moe(const KeyReader & keys, HyperParameters & params) {
    read_35(keys, params);
    read_experts_beside_gated(keys, params);
}

constexpr Family family(std::string_view name, void (*read)(const KeyReader &, HyperParameters &)) {
    return {.name = name,
            .rope = RopeLayout::Halves,
            .head_norms = Family::HeadNorms::Required,
            .network_norm = "post_attention_norm",
            .gated_attention = true,
            .read = read};
}

}  // namespace

const Family kQwen3Next = family("qwen3next", read_next);
const Family kQwen35 = family("qwen35", read_35);
const Family kQwen35Moe = family("qwen35moe", read_35_moe);

}  // namespace snapkv::model
