#pragma once

#include <string>
#include <vector>

namespace snapkv::text {

/// What libllama logs on this thread while the object lives. Not to be nested.
class LlamaLog {
public:
    LlamaLog();
    LlamaLog(const LlamaLog &) = delete;
    LlamaLog & operator=(const LlamaLog &) = delete;
    ~LlamaLog();

    /// Its first error as one line without the name of the function that logged it: the reason that it gives for a
    /// refusal.
    [[nodiscard]] std::string first_error() const;
    /// Its warnings, a line each; boxes of stars and banners in capitals are left out.
    [[nodiscard]] std::vector<std::string> warnings() const;
};

}  // namespace snapkv::text
