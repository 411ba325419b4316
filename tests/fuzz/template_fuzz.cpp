#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz/memory_file.h"
#include "gguf/tiny_vocabulary.h"
#include "snapkv/error.h"
#include "text/prompt.h"

namespace {

using namespace snapkv;

const text::Vocabulary & vocabulary() {
    static const text::Vocabulary loaded = [] {
        const std::string bytes = test::TinyVocabulary::bpe().written().bytes();
        const test::MemoryFile file(reinterpret_cast<const std::uint8_t *>(bytes.data()), bytes.size());
        return text::Vocabulary::load(gguf::File::open(file.path()));
    }();
    return loaded;
}

/// The tokens of a prompt, or a refusal in one line.
template <typename Make>
void made_or_refused(const Make & make) {
    try {
        const std::vector<text::Token> tokens = make();
        if (!std::all_of(tokens.begin(), tokens.end(),
                         [](text::Token t) { return t >= 0 && t < vocabulary().size(); })) {
            std::abort();
        }
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Input || std::string_view(error.what()).find('\n') != std::string_view::npos) {
            throw;
        }
    }
}

}  // namespace

/// The input as a chat template. It may do what it likes within its budget; what comes back is a prompt or an
/// Error(Input). Anything else, or no end, is a finding. The engine itself runs in a child process, whose crashes are
/// part of the contract.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t * data, std::size_t size) {
    const text::ChatTemplate chat(vocabulary(), std::string(reinterpret_cast<const char *>(data), size));
    made_or_refused([&] { return text::chat_prompt(vocabulary(), chat, "hello", "world").tokens; });
    made_or_refused([&] { return text::turn_tokens(vocabulary(), chat, "hello", false); });
    made_or_refused([&] { return text::turn_tokens(vocabulary(), chat, "hello", true); });
    return 0;
}
