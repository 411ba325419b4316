#include "eval/fidelity_record.h"

#include <fmt/format.h>

#include "eval/token_overlap.h"

namespace snapkv::eval {

std::string fidelity_key(const std::string & sample, const Variant & variant) {
    return fmt::format("{}/{}", sample, variant.name);
}

Json fidelity_record(const std::string & sample, std::uint32_t length, const Variant & variant,
                     const Fidelity & fidelity, const Followed & followed) {
    Json record{{"key", fidelity_key(sample, variant)}, {"sample", sample}, {"variant", variant.name}};
    record["place"]["length"] = length;
    record["full"] = variant.cache.policy == Policy::Full;
    record["budget"] = followed.cache.budget;
    record["generated_tokens"] = fidelity.tokens;
    record["reference"] = fidelity.answer;
    record["answer"] = followed.answer;
    record["answer_f1"] = token_f1(followed.answer, fidelity.answer);
    record["compressed"] = followed.cache.compressed;
    record["reason"] = followed.cache.compressed ? Json(nullptr) : Json(followed.cache.reason);
    record["rows_kept"] = followed.cache.rows_kept;
    record["rows_full"] = followed.cache.rows_full;
    record["bytes_kept"] = followed.cache.bytes_kept;
    record["bytes_full"] = followed.cache.bytes_full;
    record["evicted"] = followed.cache.evicted;
    for (const char * list : {"divergence", "got", "expected", "agreed"}) {
        record[list] = Json::array();
    }
    for (const NextToken::Position & position : followed.next.positions()) {
        record["divergence"].push_back(position.divergence);
        record["got"].push_back(position.got);
        record["expected"].push_back(position.expected);
        record["agreed"].push_back(position.agreed);
    }
    return record;
}

NextToken scored_positions(const Json & record) {
    NextToken next;
    for (std::size_t i = 0; i < record.at("divergence").size(); ++i) {
        next.add({.divergence = record.at("divergence").at(i).get<double>(),
                  .got = record.at("got").at(i).get<double>(),
                  .expected = record.at("expected").at(i).get<double>(),
                  .agreed = record.at("agreed").at(i).get<bool>()});
    }
    return next;
}

}  // namespace snapkv::eval
