#include "eval/experiment.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>

#include "eval/first_line.h"

namespace snapkv::eval {

namespace {

std::string key_of(const Part & part, const Sample & sample, const Variant & variant) {
    return fmt::format("{}/{}/{}", part.name, sample.id, variant.name);
}

double weight_of(const Sample & sample) {
    return static_cast<double>(sample.document.size() + sample.question.size() + 1);
}

Json record_of(const Part & part, const Sample & sample, const Variant & variant, const Answered & answered) {
    Json record{
        {"key", key_of(part, sample, variant)}, {"part", part.name}, {"sample", sample.id}, {"variant", variant.name}};
    for (const auto & [name, value] : sample.place) {
        record["place"][name] = value;
    }
    for (const auto & [name, value] : settings_of(variant.cache)) {
        record["cache"][name] = value;
    }
    const std::string & text = answered.generation.text;
    record["prediction"] = text;
    for (const Metric metric : part.metrics) {
        record["scores"][std::string(name_of(metric))] = score_of(part, metric, text, sample);
    }
    record["prompt_tokens"] = answered.prompt_tokens;
    record["dropped"] = answered.dropped;
    record["compressed"] = answered.cache.compressed;
    record["reason"] = answered.cache.compressed ? Json(nullptr) : Json(answered.cache.reason);
    record["rows_kept"] = answered.cache.rows_kept;
    record["rows_full"] = answered.cache.rows_full;
    record["bytes_kept"] = answered.cache.bytes_kept;
    record["bytes_full"] = answered.cache.bytes_full;
    record["evicted"] = answered.cache.evicted;
    record["prefill_ms"] = answered.prefill_ms;
    record["predicted_ms"] = answered.generation.predicted_ms;
    record["generated_tokens"] = answered.generation.tokens.size();
    return record;
}

/// One run of ask_all().
class Run {
public:
    Run(Session & session, std::span<const Part> parts, std::span<const Variant> variants, const AskOptions & options,
        bool share_prefill, Journal & journal, const std::function<void(const QuestionsDone &)> & progress)
        : session_(session),
          variants_(variants),
          options_(options),
          share_prefill_(share_prefill),
          journal_(journal),
          progress_(progress) {
        for (const Part & part : parts) {
            for (const Sample & sample : part.samples) {
                ++state_.total;
                if (wanting(part, sample)) {
                    weight_ += weight_of(sample);
                } else {
                    ++state_.done;
                }
            }
        }
    }

    bool run(const Part & part) {
        for (std::size_t begin = 0; begin < part.samples.size();) {
            std::size_t end = begin + 1;
            while (share_prefill_ && end < part.samples.size() &&
                   part.samples[end].document == part.samples[begin].document) {
                ++end;
            }
            if (!ask_group(part, std::span(part.samples).subspan(begin, end - begin))) {
                return false;
            }
            begin = end;
        }
        return true;
    }

private:
    /// Some variant's answer is missing.
    [[nodiscard]] bool wanting(const Part & part, const Sample & sample) const {
        return std::any_of(variants_.begin(), variants_.end(),
                           [&](const Variant & variant) { return !journal_.has(key_of(part, sample, variant)); });
    }

    bool ask_group(const Part & part, std::span<const Sample> group) {
        std::vector<const Sample *> samples;
        double weight = 0;
        for (const Sample & sample : group) {
            if (wanting(part, sample)) {
                samples.push_back(&sample);
                weight += weight_of(sample);
            }
        }
        if (samples.empty()) {
            return true;
        }
        state_.what = fmt::format("{} {}", part.name, samples.front()->id);
        AskOptions options = options_;
        options.raw = options.raw || part.raw;
        const auto prefilled = [&](const CallProgress & prefill) {
            const double share =
                static_cast<double>(prefill.done) / static_cast<double>(std::max<std::uint64_t>(prefill.total, 1));
            tell(share * weight, prefill);
        };
        const bool whole = ask(session_, samples, variants_, options, prefilled, [&](const Answered & answered) {
            Json record = record_of(part, *samples[answered.sample], variants_[answered.variant], answered);
            if (!journal_.has(record["key"].get<std::string>())) {
                journal_.add(std::move(record));
            }
        });
        if (whole) {
            finished_ += weight;
            state_.done += samples.size();
            tell(0, {});
        }
        return whole;
    }

    void tell(double at_hand, const CallProgress & prefill) {
        if (!progress_) {
            return;
        }
        state_.prefill = prefill;
        state_.share = weight_ > 0 ? (finished_ + at_hand) / weight_ : 1;
        state_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
        state_.seconds_left = state_.share > 0 ? state_.seconds * (1 / state_.share - 1) : 0;
        progress_(state_);
    }

    Session & session_;
    std::span<const Variant> variants_;
    const AskOptions & options_;
    bool share_prefill_;
    Journal & journal_;
    const std::function<void(const QuestionsDone &)> & progress_;
    QuestionsDone state_;
    double weight_ = 0;    ///< of all that is to be asked
    double finished_ = 0;  ///< of what is done
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

double score_of(const Part & part, Metric metric, std::string_view prediction, const Sample & sample) {
    return score(metric, part.first_line ? first_line(prediction) : prediction, sample);
}

bool ask_all(Session & session, std::span<const Part> parts, std::span<const Variant> variants,
             const AskOptions & options, bool share_prefill, Journal & journal,
             const std::function<void(const QuestionsDone &)> & progress) {
    Run run(session, parts, variants, options, share_prefill, journal, progress);
    return std::all_of(parts.begin(), parts.end(), [&](const Part & part) { return run.run(part); });
}

}  // namespace snapkv::eval
