#include "model/key_reader.h"

#include <algorithm>
#include <cmath>

#include "base/raise.h"

namespace snapkv::model {

std::uint32_t KeyReader::checked(const char * key, std::uint32_t value, std::uint32_t least, std::uint32_t most) const {
    if (value < least || value > most) {
        raise_input("{}: {} is {}, expected {} to {}", file_.path().string(), name(key), value, least, most);
    }
    return value;
}

float KeyReader::checked(const char * key, float value, bool zero) const {
    if (!std::isfinite(value) || value < 0 || (value == 0 && !zero)) {
        raise_input("{}: {} is {}, expected a {}", file_.path().string(), name(key), value,
                    zero ? "number from 0 on" : "positive number");
    }
    return value;
}

std::uint32_t KeyReader::number(const char * key, std::uint32_t most) const {
    return checked(key, file_.get_u32(name(key)), 1, most);
}

std::uint32_t KeyReader::number_or(const char * key, std::uint32_t otherwise, std::uint32_t most) const {
    return checked(key, file_.find_u32(name(key)).value_or(otherwise), 1, most);
}

std::uint32_t KeyReader::count(const char * key, std::uint32_t most) const {
    return checked(key, file_.find_u32(name(key)).value_or(0), 0, most);
}

std::uint32_t KeyReader::uniform(const char * key, std::optional<std::uint32_t> otherwise, std::uint32_t most) const {
    const auto values = file_.find_integers(name(key));
    if (!values || values->empty()) {
        return otherwise ? *otherwise : number(key, most);
    }
    if (std::any_of(values->begin(), values->end(), [&](auto value) { return value != values->front(); })) {
        raise_input("{}: {} differs from layer to layer, which is not supported", file_.path().string(), name(key));
    }
    const std::int64_t value = values->front();
    if (value < 1 || value > most) {
        raise_input("{}: {} is {}, expected 1 to {}", file_.path().string(), name(key), value, most);
    }
    return static_cast<std::uint32_t>(value);
}

float KeyReader::positive(const char * key) const {
    return checked(key, file_.get_f32(name(key)), false);
}

float KeyReader::positive_or(const char * key, float otherwise) const {
    return checked(key, file_.find_f32(name(key)).value_or(otherwise), false);
}

float KeyReader::not_negative(const char * key) const {
    return checked(key, file_.get_f32(name(key)), true);
}

float KeyReader::not_negative_or_zero(const char * key) const {
    return checked(key, file_.find_f32(name(key)).value_or(0), true);
}

float KeyReader::factor(const char * key) const {
    const float value = not_negative_or_zero(key);
    return value == 0 ? 1 : value;
}

std::vector<bool> KeyReader::pattern(const char * key, std::uint32_t layers, std::uint32_t period) const {
    const auto values = file_.find_integers(name(key));
    std::vector<bool> flags;
    if (values && values->size() > 1) {
        if (values->size() != layers) {
            raise_input("{}: {} has {} entries, expected {}, one per layer", file_.path().string(), name(key),
                        values->size(), layers);
        }
        std::transform(values->begin(), values->end(), std::back_inserter(flags),
                       [](auto value) { return value != 0; });
        return flags;
    }
    const std::uint32_t every = values && !values->empty() ? count(key, layers) : period;
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        flags.push_back(every == 0 || layer % every < every - 1);
    }
    return flags;
}

}  // namespace snapkv::model
