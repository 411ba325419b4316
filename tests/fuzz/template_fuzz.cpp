#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

#include "fuzz/memory_file.h"
#include "gguf/tiny_vocabulary.h"
#include "snapkv/error.h"
#include "text/prompt.h"
#include "text/template_frames.h"

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

/// Whether the template surely ends soon, with little memory and stack: it is short, repeats and calls nothing and
/// names no large number.
bool is_tame(std::string_view source) {
    constexpr std::size_t most_bytes = 160;
    constexpr std::string_view digits = "0123456789";
    constexpr std::string_view repeating[] = {"for", "macro", "call", "range", "*"};
    const auto is_large_number = [&](std::size_t i) {
        return source.substr(i, 4).size() == 4 && source.substr(i, 4).find_first_not_of(digits) == source.npos;
    };
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (is_large_number(i)) {
            return false;
        }
    }
    return source.size() <= most_bytes && std::none_of(std::begin(repeating), std::end(repeating), [&](auto word) {
               return source.find(word) != std::string_view::npos;
           });
}

/// The fuzzer itself; its children have other ids.
const pid_t fuzzer = ::getpid();

}  // namespace

/// Called by AddressSanitizer before a report. A child that has run out of its memory budget has none for a report
/// either: printing one would lock up and not end.
extern "C" void __asan_on_error() {
    if (::getpid() != fuzzer) {
        ::_exit(1);
    }
}

/// The input as a chat template. It may do what it likes within its budget; what comes back is a prompt or an
/// Error(Input). Anything else, or no end, is a finding. The engine runs in a child process, whose crashes are part of
/// the contract but whose coverage is lost; so what is tame is rendered here first. Of that, too, the fuzzer sees only
/// the project's own code and what it compiles of the engine's headers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t * data, std::size_t size) {
    const std::string source(reinterpret_cast<const char *>(data), size);
    const text::ChatTemplate chat(vocabulary(), source);
    if (is_tame(source)) {
        static_cast<void>(text::render_unguarded(vocabulary(), source));
    }
    made_or_refused([&] { return text::chat_prompt(vocabulary(), chat, "hello", "world").tokens; });
    made_or_refused([&] { return text::turn_tokens(vocabulary(), chat, "hello", false); });
    made_or_refused([&] { return text::turn_tokens(vocabulary(), chat, "hello", true); });
    return 0;
}
