#include "json.h"

#include "format.h"
#include "options.h"
#include "standard_output.h"
#include "words.h"

namespace snapkv::cli {
namespace {

/// The configuration in force comes from the option table; what became of the rows is added.
Json cache_json(const CacheStats & cache) {
    Json json;
    for (const Option & option : options()) {
        if (option.report != nullptr) {
            json[option.json_key()] = option.report(cache);
        }
    }
    json["compressed"] = cache.compressed;
    json["reason"] = cache.compressed ? Json(nullptr) : Json(cache.reason);
    json["rows_full"] = cache.rows_full;
    json["rows_kept"] = cache.rows_kept;
    json["rows_per_head"] = {{"least", cache.rows_per_head.least},
                             {"median", cache.rows_per_head.median},
                             {"most", cache.rows_per_head.most}};
    json["bytes_full"] = cache.bytes_full;
    json["bytes_kept"] = cache.bytes_kept;
    json["evicted"] = cache.evicted;
    return json;
}

Json token_json(const TokenText & token) {
    return {{"token", token.token}, {"text", token.text}, {"logprob", token.logprob}};
}

Json logprobs_json(const std::vector<AnswerToken> & tokens) {
    Json json = Json::array();
    for (const AnswerToken & token : tokens) {
        Json each = token_json(token.taken);
        each["top"] = Json::array();
        for (const TokenText & other : token.top) {
            each["top"].push_back(token_json(other));
        }
        json.push_back(std::move(each));
    }
    return json;
}

void add_answer(Json & json, const Answer & answer) {
    json["text"] = answer.generation.text;
    json["tokens"] = answer.generation.tokens;
    json["prompt_tokens"] = answer.prompt_tokens;
    if (answer.logprobs) {
        json["logprobs"] = logprobs_json(*answer.logprobs);
    }
    json["stop_reason"] = to_word(stop_words, answer.generation.reason);
    json["kv"] = cache_json(answer.cache);
}

void add_prompt_timings(Json & timings, const Report & report) {
    timings["load_ms"] = report.load_ms;
    timings["prompt_ms"] = report.prompt_ms;
    timings["prompt_per_second"] = per_second(report.computed_tokens, report.prompt_ms);
}

void add_answer_timings(Json & timings, const Answer & answer) {
    timings["compress_ms"] = answer.compress_ms;
    timings["predicted_ms"] = answer.generation.predicted_ms;
    timings["predicted_per_second"] = per_second(answer.generation.decode_steps, answer.generation.predicted_ms);
}

Json several_json(const Report & report) {
    Json json;
    json["answers"] = Json::array();
    for (const Answer & answer : report.answers) {
        Json each;
        add_answer(each, answer);
        add_answer_timings(each["timings"], answer);
        json["answers"].push_back(std::move(each));
    }
    json["prompt_tokens"] = report.shared_tokens;
    json["kv"]["bytes_peak"] = report.cache_bytes_peak;
    add_prompt_timings(json["timings"], report);
    return json;
}

Json single_json(const Report & report) {
    const Answer & answer = report.answers.front();
    Json json;
    add_answer(json, answer);
    json["generated_tokens"] = answer.generation.tokens.size();
    json["kv"]["bytes_peak"] = report.cache_bytes_peak;
    add_prompt_timings(json["timings"], report);
    add_answer_timings(json["timings"], answer);
    return json;
}

}  // namespace

Json run_json(const Report & report) {
    Json json = report.several ? several_json(report) : single_json(report);
    if (report.snapshot_tokens) {
        json["snapshot_tokens"] = *report.snapshot_tokens;
    }
    json["peak_rss_bytes"] = report.peak_rss_bytes;
    json["version"] = version();
    return json;
}

Json estimate_json(const Estimate & estimate) {
    Json json;
    json["prompt_tokens"] = estimate.prompt_tokens;
    json["bytes_needed"] = estimate.bytes_needed + estimate.bytes_held;
    json["bytes_available"] = estimate.bytes_available + estimate.bytes_held;
    json["seconds_estimated"] = estimate.seconds;
    return json;
}

Json kept_json(const std::vector<Kept> & kept, bool several) {
    Json list = Json::array();
    for (const Kept & each : kept) {
        Json json;
        json["n_prompt"] = each.prompt_tokens;
        json["layers"] = each.layers;
        list.push_back(std::move(json));
    }
    if (!several) {
        return list.front();
    }
    Json json;
    json["answers"] = std::move(list);
    return json;
}

std::string json_text(const Json & json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_json(const Json & json) {
    print_text(json_text(json) + "\n");
}

}  // namespace snapkv::cli
