// Markdown, JSON and CSV of `snapkv bench`. Fields that llama-bench has too bear the names that it gives them.
#include "bench_output.h"

#include <fmt/core.h>

#include <chrono>
#include <ctime>

#include "format.h"
#include "json.h"
#include "numbers.h"
#include "processor.h"
#include "standard_output.h"
#include "words.h"

namespace snapkv::cli {
namespace {

std::string utc_now() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    gmtime_r(&now, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string cache_text(const CacheConfig & cache) {
    return cache.policy == Policy::Full ? "full" : budget_text(cache.budget);
}

/// All that is known of a result, in the order of the CSV's columns.
Json fields_of(const BenchResult & result, const Settings & settings, const ModelInfo & model) {
    const BenchCase & of = result.of;
    const std::string type = types_text(of.cache.type);
    const Spread nanos = spread_of(result.nanos);
    const Spread rates = spread_of(result.rates());
    Json json;
    json["version"] = version();
    json["cpu_info"] = processor_name();
    json["model_filename"] = settings.model.string();
    json["model_type"] = fmt::format("{} {}", model.name, model.quantisation);
    json["model_size"] = model.weight_bytes;
    json["model_n_params"] = model.parameters;
    json["n_batch"] = of.batch;
    json["n_threads"] = of.threads;
    json["n_threads_batch"] = of.threads_batch;
    json["type_k"] = type;
    json["type_v"] = type;
    json["kv_policy"] = to_word(policy_words(), of.cache.policy);
    json["kv_budget"] = of.cache.policy == Policy::Full ? Json(nullptr) : Json(budget_text(of.cache.budget));
    json["n_prompt"] = of.prompt;
    json["n_gen"] = of.generate;
    json["n_depth"] = of.depth;
    json["n_parallel"] = of.parallel;
    json["compressed"] = result.kept.compressed;
    json["rows_full"] = result.kept.rows_full;
    json["rows_kept"] = result.kept.rows_kept;
    json["cache_bytes"] = result.kept.bytes_kept;
    json["cache_bytes_peak"] = result.cache_bytes_peak;
    json["resident_bytes_peak"] = result.resident_bytes_peak;
    json["test_time"] = utc_now();
    json["avg_ns"] = nanos.mean;
    json["stddev_ns"] = nanos.deviation;
    json["median_ns"] = nanos.median;
    json["avg_ts"] = rates.mean;
    json["stddev_ts"] = rates.deviation;
    json["median_ts"] = rates.median;
    return json;
}

class Markdown final : public BenchOutput {
public:
    explicit Markdown(const ModelInfo & model) : model_(model) {}

    void begin() override {
        print_text(
            "| model | size | params | threads | batch | kv | type | test | t/s | cache peak | resident peak |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    }
    void add(const BenchResult & result) override {
        const BenchCase & of = result.of;
        const Spread rates = spread_of(result.rates());
        print("| {} {} | {} | {:.2f} M | {} | {} | {} | {} | {} | {:.2f} ± {:.2f} | {} | {} |\n", model_.name,
              model_.quantisation, bytes_text(model_.weight_bytes), static_cast<double>(model_.parameters) / 1e6,
              of.prompt > 0 ? of.threads_batch : of.threads, of.batch, cache_text(of.cache), types_text(of.cache.type),
              of.name(), rates.mean, rates.deviation, bytes_text(result.cache_bytes_peak),
              bytes_text(result.resident_bytes_peak));
    }

private:
    const ModelInfo & model_;
};

class JsonRows final : public BenchOutput {
public:
    JsonRows(const Settings & settings, const ModelInfo & model) : settings_(settings), model_(model) {}

    void add(const BenchResult & result) override {
        Json json = fields_of(result, settings_, model_);
        json["samples_ns"] = result.nanos;
        json["samples_ts"] = result.rates();
        rows_.push_back(std::move(json));
    }
    void end() override { print_json(rows_); }

private:
    const Settings & settings_;
    const ModelInfo & model_;
    Json rows_ = Json::array();
};

/// Every value in quotes, quotes within doubled.
class Csv final : public BenchOutput {
public:
    Csv(const Settings & settings, const ModelInfo & model) : settings_(settings), model_(model) {}

    void add(const BenchResult & result) override {
        const Json fields = fields_of(result, settings_, model_);
        std::string names;
        std::string values;
        for (const auto & [name, value] : fields.items()) {
            const std::string comma = values.empty() ? "" : ",";
            names += comma + name;
            values += comma + quoted(value.is_string() ? value.get<std::string>()
                                     : value.is_null() ? ""
                                                       : value.dump());
        }
        print_text((std::exchange(headed_, true) ? "" : names + "\n") + values + "\n");
    }

private:
    static std::string quoted(const std::string & text) {
        std::string out = "\"";
        for (const char c : text) {
            out += c == '"' ? "\"\"" : std::string(1, c);
        }
        return out + "\"";
    }

    const Settings & settings_;
    const ModelInfo & model_;
    bool headed_ = false;
};

}  // namespace

std::unique_ptr<BenchOutput> make_bench_output(BenchFormat format, const Settings & settings, const ModelInfo & model) {
    switch (format) {
        case BenchFormat::JsonArray:
            return std::make_unique<JsonRows>(settings, model);
        case BenchFormat::Csv:
            return std::make_unique<Csv>(settings, model);
        case BenchFormat::Markdown:
            break;
    }
    return std::make_unique<Markdown>(model);
}

}  // namespace snapkv::cli
