#include "synthetic/file_types.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/raise.h"

namespace snapkv::synthetic {
namespace {

constexpr std::array types{FileType{GGML_TYPE_F32, 0},   FileType{GGML_TYPE_F16, 1},    FileType{GGML_TYPE_BF16, 32},
                           FileType{GGML_TYPE_Q4_0, 2},  FileType{GGML_TYPE_Q4_1, 3},   FileType{GGML_TYPE_Q5_0, 8},
                           FileType{GGML_TYPE_Q5_1, 9},  FileType{GGML_TYPE_Q8_0, 7},   FileType{GGML_TYPE_Q2_K, 10},
                           FileType{GGML_TYPE_Q3_K, 11}, FileType{GGML_TYPE_Q4_K, 14},  FileType{GGML_TYPE_Q5_K, 16},
                           FileType{GGML_TYPE_Q6_K, 18}, FileType{GGML_TYPE_IQ4_NL, 25}};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
    return text;
}

}  // namespace

const std::vector<std::string> & file_type_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const FileType & type : types) {
            list.push_back(lower(ggml_type_name(type.type)));
        }
        return list;
    }();
    return names;
}

FileType find_file_type(const std::string & name, const std::vector<std::string> & allowed) {
    const std::string wanted = lower(name);
    if (std::find(allowed.begin(), allowed.end(), wanted) == allowed.end()) {
        raise_usage("--type: \"{}\" is not one of {}", name, fmt::join(allowed, ", "));
    }
    const auto & names = file_type_names();
    const auto found = std::find(names.begin(), names.end(), wanted);
    return types.at(static_cast<std::size_t>(found - names.begin()));
}

}  // namespace snapkv::synthetic
