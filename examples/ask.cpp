// Asks two questions about one document: the document is prefilled once, each question gets a cache of its own.
//
// usage: ask MODEL.gguf DOCUMENT QUESTION QUESTION
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/snapkv.h"

int main(int argc, char ** argv) try {
    if (argc != 5) {
        std::fputs("usage: ask MODEL.gguf DOCUMENT QUESTION QUESTION\n", stderr);
        return 2;
    }
    std::ifstream file(argv[2], std::ios::binary);
    const std::string document{std::istreambuf_iterator<char>(file), {}};

    const snapkv::Model model = snapkv::Model::load(argv[1]);
    snapkv::Session session(model);

    snapkv::CacheConfig cache;
    cache.budget.value = 512;  // rows a KV head keeps, whatever the document's length
    const std::vector<snapkv::Branch> branches{{model.chat_prompt(document, argv[3]), cache},
                                               {model.chat_prompt(document, argv[4]), cache}};
    snapkv::PrefillResult prefill = session.prefill(branches);

    snapkv::GenerateOptions options;
    options.max_tokens = 32;
    for (snapkv::Sequence & sequence : prefill.sequences) {
        const snapkv::CacheStats & stats = sequence.cache_stats();
        std::printf("[%zu tokens, %.0f KiB kept of %.0f] ", sequence.prompt_tokens(),
                    static_cast<double>(stats.bytes_kept) / 1024, static_cast<double>(stats.bytes_full) / 1024);
        std::puts(session.generate(sequence, options).text.c_str());
    }
} catch (const std::exception & error) {
    std::fprintf(stderr, "ask: %s\n", error.what());
    return 1;
}
