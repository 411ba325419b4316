#pragma once

#include <string>

namespace snapkv::eval {

/// The stem of an English word of small ASCII letters and digits: Porter, "An algorithm for suffix stripping", Program
/// 14(3), 1980, with the extensions that NLTK's PorterStemmer has by default.
[[nodiscard]] std::string porter_stem(std::string word);

}  // namespace snapkv::eval
