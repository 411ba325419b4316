#include "select/flow.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "select/allocation.h"

namespace snapkv::select {
namespace {

/// A rank and, of equal ones, the place of layer, head and position in their order: the better, the less; all differ.
using Candidate = std::pair<std::uint64_t, std::uint32_t>;
constexpr Candidate kWorst{std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint32_t>::max()};

/// The worst of the `count` best.
Candidate cut_of(std::vector<Candidate> & candidates, std::size_t count) {
    assert(count > 0 && count <= candidates.size());
    const auto last = candidates.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(candidates.begin(), last, candidates.end());
    return *last;
}

void append_candidates(const FlowingHead & head, std::uint32_t first_place, std::vector<Candidate> & to) {
    for (std::uint32_t at = 0; at < head.positions.size(); ++at) {
        to.emplace_back(rank_of(head.scores, at), first_place + at);
    }
}

template <typename Keeps>
void keep_if(FlowingHead & head, const Keeps & keeps) {
    std::uint32_t kept = 0;
    for (std::uint32_t at = 0; at < head.positions.size(); ++at) {
        if (keeps(at)) {
            head.positions[kept] = head.positions[at];
            head.scores.scores[kept] = head.scores.scores[at];
            if (!head.scores.ties.empty()) {
                head.scores.ties[kept] = head.scores.ties[at];
            }
            ++kept;
        }
    }
    const auto shrink = [kept](auto & values) {
        values.resize(kept);
        values.shrink_to_fit();
    };
    shrink(head.positions);
    shrink(head.scores.scores);
    if (!head.scores.ties.empty()) {
        shrink(head.scores.ties);
    }
}

/// Each head's own best `floor`, and of all the others the `shared` best.
void keep_best(std::span<FlowingHead * const> heads, std::uint32_t floor, std::uint64_t shared) {
    std::uint64_t count = 0;
    for (const FlowingHead * head : heads) {
        count += head->positions.size() - std::min<std::size_t>(head->positions.size(), floor);
    }
    if (count <= shared) {
        return;
    }
    std::vector<Candidate> floors;  // the worst of each head's own
    std::vector<Candidate> others;
    std::vector<Candidate> of_head;
    std::uint32_t first_place = 0;
    for (const FlowingHead * head : heads) {
        of_head.clear();
        append_candidates(*head, first_place, of_head);
        first_place += static_cast<std::uint32_t>(head->positions.size());
        if (floor == 0) {
            floors.emplace_back();  // better than any: ranks of scores are above 0
            others.insert(others.end(), of_head.begin(), of_head.end());
        } else if (of_head.size() <= floor) {
            floors.push_back(kWorst);
        } else {
            floors.push_back(cut_of(of_head, floor));
            others.insert(others.end(), of_head.begin() + floor, of_head.end());
        }
    }
    const Candidate cut = shared == 0 ? Candidate{} : cut_of(others, static_cast<std::size_t>(shared));
    first_place = 0;
    for (std::size_t index = 0; index < heads.size(); ++index) {
        FlowingHead & head = *heads[index];
        const auto size = static_cast<std::uint32_t>(head.positions.size());
        const Candidate worst = std::max(cut, floors[index]);
        keep_if(head, [&](std::uint32_t at) { return Candidate{rank_of(head.scores, at), first_place + at} <= worst; });
        first_place += size;
    }
}

/// The entropy of the scores as one distribution, over that of an even one. What is not a positive number counts for
/// nothing; where nothing counts, all are alike.
double evenness(std::span<const FlowingHead> heads) {
    std::size_t count = 0;
    double sum = 0;
    const auto for_each_score = [&](const auto & body) {
        for (const FlowingHead & head : heads) {
            for (const float score : head.scores.scores) {
                if (std::isfinite(score) && score > 0) {
                    body(static_cast<double>(score));
                }
            }
        }
    };
    for (const FlowingHead & head : heads) {
        count += head.scores.scores.size();
    }
    for_each_score([&](double score) { sum += score; });
    if (count < 2 || sum == 0) {
        return 1;
    }
    double entropy = 0;
    for_each_score([&](double score) { entropy -= score / sum * std::log(score / sum); });
    return entropy / std::log(static_cast<double>(count));
}

/// A layer's claim to a row: the larger the better.
double quotient(double weight, std::uint64_t rows_before) {
    return weight / static_cast<double>(2 * rows_before + 1);
}

std::uint32_t floor_of(const Plan & plan) {
    return plan.allocation == Allocation::Entropy ? (plan.budget - plan.recent - plan.sink) / kEvenPart : 0;
}

}  // namespace

Flow::Flow(const Plan & plan, std::uint32_t layers, std::uint32_t kv_heads)
    : first_(plan.sink),
      how_(plan.allocation),
      floor_(floor_of(plan)),
      shared_(std::uint64_t{layers} * kv_heads * (plan.budget - plan.recent - plan.sink - floor_)) {
    assert(plan.flows());
}

void Flow::add_layer(std::span<const RankedScores> scores) {
    FlowingLayer & layer = layers_.emplace_back();
    for (const RankedScores & of_head : scores) {
        const auto from = [this](const std::vector<float> & values) {
            return std::vector<float>(values.begin() + first_, values.end());
        };
        FlowingHead & head = layer.heads.emplace_back();
        head.positions = positions_from(Position{first_}, static_cast<std::uint32_t>(of_head.scores.size()) - first_);
        head.scores.scores = from(of_head.scores);
        head.scores.ties = of_head.ties.empty() ? std::vector<float>() : from(of_head.ties);
    }
    if (how_ == Allocation::Entropy) {
        layer.weight = evenness(layer.heads);
        divide_among_layers();
        return;
    }
    std::vector<FlowingHead *> all;
    for (FlowingLayer & of_all : layers_) {
        for (FlowingHead & head : of_all.heads) {
            all.push_back(&head);
        }
    }
    keep_best(all, floor_, shared_);
}

/// The newest layer takes rows from the others as long as its claim to one more is better than the worst claim to one
/// that another has: with an order of all claims, those that are met are the first, before and after.
void Flow::divide_among_layers() {
    std::vector<std::uint64_t> rows;  // beside the heads' own
    std::uint64_t given = 0;
    std::uint64_t newest_has = 0;
    for (const FlowingLayer & layer : layers_) {
        std::uint64_t of_layer = 0;
        for (const FlowingHead & head : layer.heads) {
            of_layer += head.positions.size() - std::min<std::size_t>(head.positions.size(), floor_);
        }
        const bool newest = &layer == &layers_.back();
        newest_has = newest ? of_layer : 0;
        rows.push_back(newest ? 0 : of_layer);
        given += rows.back();
    }
    const std::size_t newest = layers_.size() - 1;
    while (rows[newest] < newest_has) {
        if (given < shared_) {
            ++rows[newest];
            ++given;
            continue;
        }
        std::size_t worst = newest;
        double least = std::numeric_limits<double>::infinity();
        for (std::size_t layer = 0; layer < newest; ++layer) {
            if (rows[layer] > 0 && quotient(layers_[layer].weight, rows[layer] - 1) <= least) {
                least = quotient(layers_[layer].weight, rows[layer] - 1);
                worst = layer;
            }
        }
        // Of equal claims the earlier layer's is the better.
        if (worst == newest || quotient(layers_[newest].weight, rows[newest]) <= least) {
            break;
        }
        --rows[worst];
        ++rows[newest];
    }
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        std::vector<FlowingHead *> heads;
        for (FlowingHead & head : layers_[layer].heads) {
            heads.push_back(&head);
        }
        keep_best(heads, floor_, rows[layer]);
    }
}

std::vector<std::uint32_t> Flow::rows_after(const Plan & plan, std::uint32_t layers, std::uint32_t so_far) {
    const std::uint32_t anyway = plan.recent + plan.sink;
    const std::uint32_t floor = floor_of(plan);
    const std::uint64_t shared = std::uint64_t{layers} * (plan.budget - anyway - floor);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t layer = 0; layer < so_far; ++layer) {
        const std::uint64_t even = shared / so_far + (layer < shared % so_far ? 1 : 0);
        rows.push_back(anyway + floor +
                       static_cast<std::uint32_t>(std::min<std::uint64_t>(even, plan.n - anyway - floor)));
    }
    return rows;
}

}  // namespace snapkv::select
