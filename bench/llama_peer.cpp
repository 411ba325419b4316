// Runs one prompt through libllama with a full cache, for comparison: same model file, same tokens, same threads.
// Prints one JSON object with the field names of `snapkv run --json`.
//
// usage: llama_peer MODEL DOCUMENT QUESTION ANSWER_TOKENS THREADS

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "llama.h"
#include "text/prompt.h"

namespace {

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

struct Free {
    void operator()(llama_model * model) const { llama_model_free(model); }
    void operator()(llama_context * context) const { llama_free(context); }
    void operator()(llama_sampler * sampler) const { llama_sampler_free(sampler); }
};

struct Arguments {
    std::string model;
    std::string document;
    std::string question;
    int answer_tokens = 0;
    int threads = 0;
};

std::string contents(const char * path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error(std::string(path) + ": cannot be read");
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

std::unique_ptr<llama_context, Free> make_context(llama_model * model, std::size_t prompt, const Arguments & args) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(prompt) + static_cast<std::uint32_t>(args.answer_tokens);
    params.n_threads = args.threads;
    params.n_threads_batch = args.threads;
    std::unique_ptr<llama_context, Free> context(llama_init_from_model(model, params));
    if (!context) {
        throw std::runtime_error("libllama made no context");
    }
    return context;
}

void decode(llama_context * context, llama_token * tokens, std::size_t count) {
    if (llama_decode(context, llama_batch_get_one(tokens, static_cast<std::int32_t>(count))) != 0) {
        throw std::runtime_error("libllama could not decode");
    }
}

nlohmann::json run(const Arguments & args) {
    const auto vocabulary = snapkv::text::Vocabulary::load(snapkv::gguf::File::open(args.model));
    const snapkv::text::ChatTemplate chat(vocabulary);
    std::vector<llama_token> prompt = snapkv::text::chat_prompt(vocabulary, chat, args.document, args.question).tokens;
    const std::unique_ptr<llama_model, Free> model(
        llama_model_load_from_file(args.model.c_str(), llama_model_default_params()));
    if (!model) {
        throw std::runtime_error(args.model + ": libllama does not load it");
    }
    const auto context = make_context(model.get(), prompt.size(), args);
    const std::size_t batch = llama_n_batch(context.get());

    const auto prompt_begin = Clock::now();
    for (std::size_t at = 0; at < prompt.size(); at += batch) {
        decode(context.get(), prompt.data() + at, std::min(batch, prompt.size() - at));
    }
    llama_synchronize(context.get());
    const double prompt_ms = milliseconds_since(prompt_begin);

    const std::unique_ptr<llama_sampler, Free> sampler(llama_sampler_init_greedy());
    std::string text;
    int steps = 0;
    const auto answer_begin = Clock::now();
    llama_token token = llama_sampler_sample(sampler.get(), context.get(), -1);
    for (int made = 0; made < args.answer_tokens && !vocabulary.is_end_of_generation(token); ++made) {
        text += vocabulary.piece(token);
        decode(context.get(), &token, 1);
        ++steps;
        token = llama_sampler_sample(sampler.get(), context.get(), -1);
    }
    const double predicted_ms = milliseconds_since(answer_begin);

    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto row = static_cast<std::uint64_t>(llama_model_n_layer(model.get())) *
                     static_cast<std::uint64_t>(llama_model_n_head_kv(model.get())) * 2 *
                     static_cast<std::uint64_t>(llama_model_n_embd(model.get()) / llama_model_n_head(model.get())) * 2;
    return {{"text", text},
            {"prompt_tokens", prompt.size()},
            {"kv", {{"bytes_full", row * prompt.size()}, {"bytes_kept", row * prompt.size()}}},
            {"timings",
             {{"prompt_ms", prompt_ms},
              {"prompt_per_second", 1000.0 * static_cast<double>(prompt.size()) / prompt_ms},
              {"predicted_ms", predicted_ms},
              {"predicted_per_second", 1000.0 * steps / predicted_ms}}},
            {"peak_rss_bytes", static_cast<std::uint64_t>(usage.ru_maxrss) * 1024}};
}

}  // namespace

int main(int argc, char ** argv) {
    if (argc != 6) {
        std::cerr << "usage: llama_peer MODEL DOCUMENT QUESTION ANSWER_TOKENS THREADS\n";
        return 2;
    }
    try {
        llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
        std::cout << run({argv[1], contents(argv[2]), argv[3], std::atoi(argv[4]), std::atoi(argv[5])}).dump() << '\n';
    } catch (const std::exception & error) {
        std::cerr << "llama_peer: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
