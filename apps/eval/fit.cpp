#include "eval/fit.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace snapkv::eval {
namespace {

/// A root search between a prompt that fits and one that does not, if any is known yet.
class Search {
public:
    Search(const FitRequest & request, Fit least)
        : request_(request), low_(least), before_(least), high_{request.most + 1, 0} {}

    [[nodiscard]] const Fit & best() const { return low_; }
    [[nodiscard]] bool done() const {
        return low_.tokens + request_.slack >= request_.budget || low_.units + 1 >= high_.units;
    }

    void add(const Fit & point) {
        if (point.tokens <= request_.budget) {
            weight_high_ = low_side_ ? weight_high_ / 2 : 1.0;
            weight_low_ = 1.0;
            low_side_ = true;
            before_ = low_;
            low_ = point;
        } else {
            weight_low_ = low_side_ ? 1.0 : weight_low_ / 2;
            weight_high_ = 1.0;
            low_side_ = false;
            high_ = point;
        }
    }

    /// Regula falsi in the Illinois form (Dowell and Jarratt, 1971): an end that stays gets half its weight, so that
    /// both ends close in.
    [[nodiscard]] std::size_t next() const {
        const auto room = static_cast<double>(request_.budget - low_.tokens);
        if (high_.tokens == 0) {
            return ahead(room);
        }
        const double under = room * weight_low_;
        const double over = static_cast<double>(high_.tokens - request_.budget) * weight_high_;
        const double step = static_cast<double>(high_.units - low_.units) * under / (under + over);
        return std::clamp(low_.units + static_cast<std::size_t>(step), low_.units + 1, high_.units - 1);
    }

private:
    /// By the slope of the last step, no further than 64 times as far as the prompt that fits.
    [[nodiscard]] std::size_t ahead(double room) const {
        constexpr std::size_t first_step = 64;
        const std::size_t limit = std::min(request_.most, low_.units + first_step + 64 * (low_.units - request_.least));
        if (low_.units == before_.units) {
            return limit;
        }
        const double gained = static_cast<double>(low_.tokens) - static_cast<double>(before_.tokens);
        const double step = room * static_cast<double>(low_.units - before_.units) / std::max(gained, 1.0);
        const double most_step = static_cast<double>(limit - low_.units);
        return low_.units + std::max<std::size_t>(1, static_cast<std::size_t>(std::min(std::ceil(step), most_step)));
    }

    const FitRequest & request_;
    Fit low_;     ///< within the budget
    Fit before_;  ///< what `low_` was before
    Fit high_;    ///< beyond the budget; no tokens while none is known
    double weight_low_ = 1.0;
    double weight_high_ = 1.0;
    bool low_side_ = true;  ///< which end moved last
};

}  // namespace

Fit fit_units(const FitRequest & request, const std::function<std::size_t(std::size_t)> & tokens_of) {
    assert(request.least <= request.most);
    const auto measure = [&](std::size_t units) { return Fit{units, tokens_of(units)}; };
    const Fit least = measure(request.least);
    if (least.tokens > request.budget) {
        return least;
    }
    Search search(request, least);
    if (request.guess > request.least && request.guess <= request.most && !search.done()) {
        search.add(measure(request.guess));
    }
    while (!search.done()) {
        search.add(measure(search.next()));
    }
    return search.best();
}

}  // namespace snapkv::eval
