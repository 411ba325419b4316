#include "run/prefill_bytes.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/block.h"
#include "kv/arena.h"
#include "kv/row_chain.h"
#include "run/branch_cache.h"
#include "run/hidden_states.h"
#include "run/layer_shape.h"
#include "run/layer_work.h"
#include "run/row_source.h"

namespace snapkv::run {

namespace {

/// A prefill in its order, with rows, queries and sums that have sizes alone.
class Rehearsal {
public:
    Rehearsal(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch)
        : plan_(plan), params_(params), batch_(batch), layer_work_(params, plan, batch, work_) {
        for (const BranchPlan & branch : plan.branches) {
            branches_.emplace_back(branch, params.attention_spec(0), state_floats(params), arena_, work_);
        }
    }

    [[nodiscard]] PrefillBytes bytes() {
        const std::uint64_t lasting = work_->alive();
        for (std::uint32_t layer = 0; layer < params_.layers; ++layer) {
            pass(layer);
        }
        const std::uint64_t held_states = work_->alive() - lasting;
        return {.hidden = HiddenStates::bytes(plan_.trunk - plan_.held, params_.width) +
                          HiddenStates::bytes(plan_.suffix_rows, params_.width),
                .cache = arena_.meter().peak(),
                .compute = lasting + held_states,
                .passing = work_->peak() - lasting - held_states};
    }

private:
    void pass(std::uint32_t layer) {
        const kv::RowChain trunk = trunk_rows(layer);
        if (plan_.hold > 0) {
            hand_over(layer, trunk);
        }
        for (BranchCache & branch : branches_) {
            if (branch.plan().suffix == 0) {
                begin(branch, layer, trunk);
                finish(branch, layer);
            }
        }
        for (std::uint32_t row = 0; row < plan_.suffix_rows; row += batch_) {
            const auto in_chunk = [&](std::uint32_t of_suffixes) {
                return of_suffixes >= row && of_suffixes - row < batch_;
            };
            for (BranchCache & branch : branches_) {
                if (branch.plan().suffix > 0 && in_chunk(branch.plan().first_row)) {
                    begin(branch, layer, trunk);
                }
            }
            for (BranchCache & branch : branches_) {
                if (branch.plan().suffix > 0 && in_chunk(branch.plan().first_row + branch.plan().suffix - 1)) {
                    finish(branch, layer);
                }
            }
        }
    }

    [[nodiscard]] kv::RowChain trunk_rows(std::uint32_t layer) {
        const kv::LayerShape shape = layer_shape(params_, layer, plan_.type);
        kv::RowChain rows(arena_, shape, Position{0}, Position{plan_.held > 0 ? 0 : plan_.trunk});
        if (plan_.held > 0) {  // in memory of others, unless they are read
            kv::RowChain held = plan_.read > 0
                                    ? kv::RowChain(arena_, shape, Position{first_held(params_, layer, plan_.read)},
                                                   Position{plan_.read})
                                    : kv::RowChain(others_, shape, Position{0}, Position{plan_.held});
            held.last().set_rows(held.last().capacity());
            rows = held.continued(arena_, Position{plan_.held}, Position{plan_.trunk});
        }
        rows.last().set_rows(rows.last().capacity());
        return rows;
    }

    void hand_over(std::uint32_t layer, const kv::RowChain & trunk) {
        HeldLayer held;
        held.rows = trunk.between(arena_, Position{first_held(params_, layer, plan_.hold)}, Position{plan_.hold});
        if (params_.layer_recurs(layer)) {
            held.state = std::make_shared<const Block>(layer_work_.states.trunk().size(), work_);
        }
        if (!plan_.hold_in_file) {
            held_.push_back(std::move(held));
        }
    }

    void begin(BranchCache & branch, std::uint32_t layer, const kv::RowChain & trunk) {
        branch.begin_layer(trunk);
        if (branch.plan().accumulates() && !params_.layer_recurs(layer) && params_.window_of(layer) == 0) {
            branch.begin_sums(nullptr);
        }
    }

    void finish(BranchCache & branch, std::uint32_t layer) {
        if (params_.layer_recurs(layer)) {
            branch.finish_recurrent_layer();
        } else {
            branch.rehearse_layer(layer, params_.attention_spec(layer));
        }
    }

    const PrefillPlan & plan_;
    const model::HyperParameters & params_;
    std::uint32_t batch_;
    kv::Arena arena_{{}, true};
    kv::Arena others_{{}, true};
    std::shared_ptr<Meter> work_ = std::make_shared<Meter>(std::vector<std::shared_ptr<Meter>>(), true);
    LayerWork layer_work_;
    std::vector<BranchCache> branches_;
    std::vector<HeldLayer> held_;
};

}  // namespace

std::uint64_t logit_bytes(std::uint32_t rows, const model::HyperParameters & params) {
    return std::uint64_t{std::min(rows, HiddenStates::kLeastRows)} * params.vocabulary * sizeof(float);
}

PrefillBytes prefill_bytes(const PrefillPlan & plan, const model::HyperParameters & params, std::uint32_t batch) {
    PrefillBytes bytes = Rehearsal(plan, params, batch).bytes();
    for (const BranchPlan & branch : plan.branches) {
        bytes.passing =
            std::max(bytes.passing, branch.output_rows > 1 ? logit_bytes(branch.output_rows - 1, params) : 0);
    }
    return bytes;
}

}  // namespace snapkv::run
