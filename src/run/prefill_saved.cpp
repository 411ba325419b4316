// Where a prefill is between two layers, written to a file and read from it.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kv/rotate.h"
#include "kv/row_store.h"
#include "run/document_file.h"
#include "run/layer_shape.h"
#include "run/prefill.h"
#include "run/saved_fields.h"
#include "run/saved_rows.h"
#include "select/policy.h"

namespace snapkv::run {

namespace {

using Parts = std::vector<std::shared_ptr<const kv::LayerRows>>;

/// The parts of one layer that branches share: each once, and of those that are the beginning of another in the same
/// memory only that.
class PartTable {
public:
    void add(const std::shared_ptr<const kv::LayerRows> & part) {
        const std::size_t known = find(*part);
        if (known == parts_.size()) {
            parts_.push_back(part);
        } else if (part->rows() > parts_[known]->rows()) {
            parts_[known] = part;
        }
    }
    [[nodiscard]] const Parts & parts() const { return parts_; }
    [[nodiscard]] std::uint32_t number(const kv::LayerRows & part) const {
        return static_cast<std::uint32_t>(find(part));
    }

private:
    [[nodiscard]] std::size_t find(const kv::LayerRows & part) const {
        const auto same = [&](const auto & known) {
            return known.get() == &part || (part.rows() > 0 && known->rows() > 0 && part.shape().kv_heads > 0 &&
                                            known->head(0).keys == part.head(0).keys);
        };
        return static_cast<std::size_t>(std::find_if(parts_.begin(), parts_.end(), same) - parts_.begin());
    }

    Parts parts_;
};

void write_part(SavedWriter & out, const kv::LayerRows & part) {
    types_fields(out, part.shape().type);
    out.flag("rotated", part.shape().rotated);
    write_rows(out, part);
}

std::shared_ptr<const kv::LayerRows> read_part(SavedReader & in, const model::HyperParameters & params,
                                               std::uint32_t layer, kv::Arena & arena, std::uint32_t most) {
    KvTypes types;
    bool rotated = false;
    types_fields(in, types);
    in.flag("rotated", rotated);
    const kv::LayerShape shape = layer_shape(params, layer, types, rotated);
    if (!kv::storable(shape)) {
        in.refuse("layer {} cannot have rows of these types", layer);
    }
    RowAscent ascent(in, {shape}, most);
    return read_rows(in, arena, shape, 0, ascent);
}

/// What a branch has of a layer must be of its types, and ascend from part to part.
void check_parts(SavedReader & in, const model::HyperParameters & params, std::uint32_t layer, const BranchPlan & plan,
                 const Parts & parts) {
    const kv::LayerShape expected = layer_shape(params, layer, plan.type, plan.branch->cache.rotate);
    RowAscent ascent(in, {expected}, plan.n);
    for (const auto & part : parts) {
        const kv::LayerShape & shape = part->shape();
        const bool quantised = is_quantised(shape.type.key) || is_quantised(shape.type.value);
        if (shape.type != expected.type || (quantised && shape.rotated != expected.rotated)) {
            in.refuse("layer {} has rows of other types than its branch", layer);
        }
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (const Position position : kv::positions_in(std::vector{part->head(head)})) {
                ascent.pass(0, head, index_of(position), 1);
            }
        }
    }
}

/// Where budgets flow between layers, what decides about the rows of those that are finished.
void write_flow(SavedWriter & out, const BranchCache & branch) {
    if (!branch.flow()) {
        return;
    }
    for (const select::FlowingLayer & layer : branch.flow()->layers()) {
        out.number("weight of a layer", layer.weight);
        for (const select::FlowingHead & head : layer.heads) {
            out.array(std::span(head.scores.scores));
            out.array(std::span(head.scores.ties));
        }
    }
}

/// The positions of a head's rows that take part in a flow: without sinks and recent ones, which must be there.
std::vector<Position> flowing_of(SavedReader & in, const select::Plan & plan, const kv::HeadRows & rows) {
    const std::uint32_t anyway = plan.sink + plan.recent;
    const std::vector<Position> all = kv::positions_in(std::vector{rows});
    const std::uint32_t voted = std::max(rows.rows, anyway) - anyway;
    std::vector<Position> flowing(all.begin() + std::min(plan.sink, rows.rows),
                                  all.begin() + std::min(plan.sink + voted, rows.rows));
    if (select::with_rows_kept_anyway(plan, flowing) != all) {
        in.refuse("a head lacks rows that are kept anyway");
    }
    return flowing;
}

void read_flow(SavedReader & in, BranchCache & branch) {
    const select::Plan & plan = branch.plan().cache;
    for (std::size_t layer = 0; plan.flows() && layer < branch.kept().size(); ++layer) {
        if (branch.plan().budgets[layer] == 0) {
            continue;
        }
        const Parts & parts = branch.kept()[layer];
        if (parts.size() != 1 || parts.front().use_count() != 1 || !parts.front()->is_packed()) {
            in.refuse("layer {}: the rows of a branch that may lose some are not its own", layer);
        }
        select::FlowingLayer flowing;
        in.number("weight of a layer", flowing.weight);
        if (flowing.weight < 0) {
            in.refuse("the weight of layer {} is {}", layer, flowing.weight);
        }
        for (std::uint32_t head = 0; head < parts.front()->shape().kv_heads; ++head) {
            select::FlowingHead & of_head = flowing.heads.emplace_back();
            of_head.positions = flowing_of(in, plan, parts.front()->head(head));
            const std::size_t count = of_head.positions.size();
            of_head.scores.scores = in.array<float>("scores", count);
            of_head.scores.ties = in.array<float>("ties", plan.evidence == Evidence::Pivotal ? count : 0);
        }
        branch.restore_flow(layer, std::move(flowing));
    }
}

}  // namespace

void Prefill::save(SavedWriter & out) const {
    assert(between_layers());
    const std::size_t width = environment_.params.width;
    out.number("layer", layer_);
    out.number("units", units_);
    for (const HiddenStates * hidden : {&trunk_, &suffixes_}) {
        out.array(std::span(hidden->row(0), hidden->rows() * width));
    }
    for (const bool dropped : dropped_) {
        out.flag("dropped", dropped);
    }
    for (std::uint32_t layer = 0; layer < layer_; ++layer) {
        PartTable table;
        for (std::size_t index = 0; index < branches_.size(); ++index) {
            for (const auto & part : dropped_[index] ? Parts() : branches_[index].kept()[layer]) {
                table.add(part);
            }
        }
        out.number("parts", static_cast<std::uint32_t>(table.parts().size()));
        for (const auto & part : table.parts()) {
            write_part(out, *part);
        }
        for (std::size_t index = 0; index < branches_.size(); ++index) {
            const Parts of_branch = dropped_[index] ? Parts() : branches_[index].kept()[layer];
            out.number("parts of a branch", static_cast<std::uint32_t>(of_branch.size()));
            for (const auto & part : of_branch) {
                out.number("part", table.number(*part));
                out.number("its rows", part->shape().kv_heads > 0 ? part->rows() : 0);  // none are written
            }
        }
    }
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        if (!dropped_[index]) {
            const kv::RecurrentState & state = branches_[index].state();
            for (std::uint32_t layer = 0; layer < state.layers(); ++layer) {
                out.array(std::span(state.of(layer), state.floats(layer)));
            }
            out.number("milliseconds of votes", branches_[index].compress_ms());
            for (const Block & carried : branches_[index].carried()) {
                out.bytes(carried.data(), carried.size());
            }
            write_flow(out, branches_[index]);
        }
    }
    const bool holds = environment_.sink && environment_.sink->given() == layer_;
    out.flag("holds", holds);
    for (std::uint32_t layer = 0; holds && layer < layer_; ++layer) {
        kv::Arena arena;
        write_held_layer(environment_.sink->given_layer(layer, arena),
                         [&](std::span<const std::byte> bytes) { out.array(bytes); });
    }
}

void Prefill::restore(SavedReader & in) {
    const model::HyperParameters & params = environment_.params;
    in.number("layer", layer_);
    in.number("units", units_);
    if (layer_ == 0 || layer_ >= params.layers || units_ > std::uint64_t{plan_.computed()} * layer_) {
        in.refuse("{} units in {} layers, of {} tokens in {}", units_, layer_, plan_.computed(), params.layers);
    }
    for (HiddenStates * hidden : {&trunk_, &suffixes_}) {
        in.fill("hidden states", reinterpret_cast<std::byte *>(hidden->row(0)),
                std::size_t{hidden->rows()} * params.width * sizeof(float));
    }
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        bool dropped = false;
        in.flag("dropped", dropped);
        if (dropped) {
            dropped_[index] = true;
            branches_[index].drop();
        }
    }
    std::uint32_t most = 0;
    for (const BranchPlan & branch : plan_.branches) {
        most = std::max(most, branch.n);
    }
    for (std::uint32_t layer = 0; layer < layer_; ++layer) {
        std::uint32_t count = 0;
        in.number("parts", count);
        in.expect("parts", count, sizeof(std::uint32_t));
        Parts parts;
        for (std::uint32_t number = 0; number < count; ++number) {
            parts.push_back(read_part(in, params, layer, environment_.arena, most));
        }
        for (std::size_t index = 0; index < branches_.size(); ++index) {
            in.number("parts of a branch", count);
            Parts of_branch;
            for (std::uint32_t at = 0; at < count; ++at) {
                std::uint32_t number = 0;
                std::uint32_t rows = 0;
                in.number("part", number);
                in.number("its rows", rows);
                if (number >= parts.size() || dropped_[index] || rows > parts[number]->rows()) {
                    in.refuse("layer {}: {} rows of part {} of {}", layer, rows, number, parts.size());
                }
                of_branch.push_back(rows == parts[number]->rows()
                                        ? parts[number]
                                        : std::make_shared<const kv::LayerRows>(parts[number]->prefix(rows)));
            }
            if (dropped_[index]) {
                continue;
            }
            if (of_branch.empty()) {
                in.refuse("layer {}: a branch has no rows", layer);
            }
            check_parts(in, params, layer, plan_.branches[index], of_branch);
            branches_[index].restore_layer(std::move(of_branch));
        }
    }
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        if (!dropped_[index]) {
            kv::RecurrentState & state = branches_[index].state();
            for (std::uint32_t layer = 0; layer < state.layers(); ++layer) {
                in.fill("states", reinterpret_cast<std::byte *>(state.of(layer)), state.floats(layer) * sizeof(float));
            }
            double milliseconds = 0;
            in.number("milliseconds of votes", milliseconds);
            branches_[index].restore_compress_ms(milliseconds);
            for (std::uint32_t layer = 0; plan_.branches[index].cache.evicts && layer < layer_; ++layer) {
                Block & carried = branches_[index].next_carried(params.window_of(layer));
                in.fill("carried evidence", carried.data(), carried.size());
            }
            read_flow(in, branches_[index]);
        }
    }
    bool holds = false;
    in.flag("holds", holds);
    if (holds && !environment_.sink) {
        in.refuse("it holds rows, and none are to be held");
    }
    const std::vector<std::size_t> floats = state_floats(params);
    for (std::uint32_t layer = 0; holds && layer < layer_; ++layer) {
        const kv::LayerShape shape = layer_shape(params, layer, plan_.type);
        const std::uint32_t first = first_held(params, layer, plan_.hold);
        in.expect("held rows", std::uint64_t{plan_.hold - first} * shape.kv_heads, shape.row_bytes());
        environment_.sink->add_layer(
            read_held_layer(shape, first, plan_.hold, floats[layer], environment_.arena,
                            [&](std::span<std::byte> to) { in.fill("held rows", to.data(), to.size()); }));
    }
    end_if_unwanted();
}

}  // namespace snapkv::run
