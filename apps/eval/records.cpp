#include "eval/records.h"

#include <algorithm>
#include <limits>
#include <set>

namespace snapkv::eval {

namespace {

bool passes(const Records::Filter & filter, const Json & record) {
    return !filter || filter(record);
}

/// The member where there is one that is a number, else null.
const Json * number(const Json & object, const std::string & name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && found->is_number() ? &*found : nullptr;
}

const Json & member(const Json & record, const char * name) {
    static const Json nothing;
    const auto found = record.find(name);  // none where it is no object
    return found == record.end() ? nothing : *found;
}

bool has_texts(const Json & object, const std::vector<std::pair<std::string, std::string>> & fields) {
    return std::all_of(fields.begin(), fields.end(), [&](const auto & field) {
        const Json & value = member(object, field.first.c_str());
        return value.is_string() && value.get_ref<const std::string &>() == field.second;
    });
}

void add_new(std::vector<std::string> & list, const std::string & text) {
    if (std::find(list.begin(), list.end(), text) == list.end()) {
        list.push_back(text);
    }
}

}  // namespace

std::vector<std::string> Records::texts(const std::string & field, const Filter & filter) const {
    std::vector<std::string> list;
    for (const Json & record : records_) {
        const Json & value = member(record, field.c_str());
        if (value.is_string() && passes(filter, record)) {
            add_new(list, value.get<std::string>());
        }
    }
    return list;
}

std::vector<std::string> Records::cache_settings(const std::string & name) const {
    std::vector<std::string> list;
    for (const Json & record : records_) {
        const Json & value = member(member(record, "cache"), name.c_str());
        if (value.is_string()) {
            add_new(list, value.get<std::string>());
        }
    }
    return list;
}

std::vector<double> Records::places(const std::string & axis, const Filter & filter) const {
    std::set<double> places;
    for (const Json & record : records_) {
        if (const Json * place = number(member(record, "place"), axis); place != nullptr && passes(filter, record)) {
            places.insert(place->get<double>());
        }
    }
    return {places.begin(), places.end()};
}

std::vector<std::string> Records::metrics(const Filter & filter) const {
    std::vector<std::string> list;
    for (const Json & record : records_) {
        const Json & scores = member(record, "scores");
        if (!scores.is_object() || !passes(filter, record)) {
            continue;
        }
        for (const auto & [name, ignored] : scores.items()) {
            add_new(list, name);
        }
    }
    return list;
}

double Records::mean_of(const Filter & filter, const std::function<const Json *(const Json &)> & value) const {
    double sum = 0;
    std::size_t count = 0;
    for (const Json & record : records_) {
        if (const Json * found = passes(filter, record) ? value(record) : nullptr; found != nullptr) {
            sum += found->get<double>();
            ++count;
        }
    }
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

double Records::mean_score(const std::string & metric, const Filter & filter) const {
    return mean_of(filter, [&](const Json & record) { return number(member(record, "scores"), metric); });
}

double Records::mean(const std::string & field, const Filter & filter) const {
    return mean_of(filter, [&](const Json & record) { return number(record, field); });
}

std::size_t Records::count(const Filter & filter) const {
    return static_cast<std::size_t>(
        std::count_if(records_.begin(), records_.end(), [&](const Json & record) { return passes(filter, record); }));
}

Records::Filter where(std::vector<std::pair<std::string, std::string>> fields) {
    return [fields = std::move(fields)](const Json & record) { return has_texts(record, fields); };
}

Records::Filter with_settings(std::vector<std::pair<std::string, std::string>> settings) {
    return
        [settings = std::move(settings)](const Json & record) { return has_texts(member(record, "cache"), settings); };
}

Records::Filter at(Records::Filter filter, std::string axis, double place) {
    return [filter = std::move(filter), axis = std::move(axis), place](const Json & record) {
        const Json * found = number(member(record, "place"), axis);
        return passes(filter, record) && found != nullptr && found->get<double>() == place;
    };
}

}  // namespace snapkv::eval
