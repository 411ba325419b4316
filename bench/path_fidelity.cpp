// What the fast paths cost in fidelity: one text in chunks through each combination of products and attention that this
// processor and model have, full cache, against float32 throughout. Prints a Markdown table: perplexity,
// Kullback-Leibler divergence of the next token's distribution from the reference's, and how often both favour the same
// token.
//
// usage: path_fidelity MODEL TEXT CONTEXT THREADS [CHUNKS]

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "eval/next_token.h"
#include "run/model_impl.h"
#include "run/prefill.h"
#include "run/prefill_products.h"
#include "snapkv/error.h"

namespace {

using namespace snapkv;

struct Path {
    const char * name;
    ProductPath products;
    AttentionPath attention;
};
constexpr std::array kPaths{
    Path{"float32 throughout (reference)", ProductPath::WidenedF32, AttentionPath::Portable},
    Path{"ggml's products, ggml's attention", ProductPath::Stored, AttentionPath::Portable},
    Path{"widened products, ggml's attention", ProductPath::Widened, AttentionPath::Portable},
    Path{"ggml's products, own attention", ProductPath::Stored, AttentionPath::Cpu},
    Path{"widened products, own attention", ProductPath::Widened, AttentionPath::Cpu},
    Path{"8-bit products, ggml's attention", ProductPath::Int8, AttentionPath::Portable},
    Path{"8-bit products, own attention", ProductPath::Int8, AttentionPath::Cpu},
};

/// Logits of the second half of a chunk, position after position.
std::vector<float> run_chunk(const Model & model, const Path & path, std::span<const Token> tokens,
                             std::uint32_t threads) {
    const Model::Impl & impl = *Internals::of(model);
    Branch branch;
    branch.prompt.tokens.assign(tokens.begin(), tokens.end());
    branch.prompt.question_begin = tokens.size();
    branch.cache.policy = Policy::Full;
    const auto context = static_cast<std::uint32_t>(tokens.size());
    run::PrefillPlan plan = run::plan_prefill({&branch, 1}, impl.params, context + 1);
    plan.branches.front().output_rows = context / 2;
    run::Compute compute(threads, threads, Stop());
    run::Allocator allocator;
    kv::Arena arena;
    const run::PrefillEnvironment environment{.params = impl.params,
                                              .decoder = impl.decoder,
                                              .weights = impl.weights,
                                              .compute = compute,
                                              .allocator = allocator,
                                              .arena = arena,
                                              .work = std::make_shared<Meter>(),
                                              .batch = 512,
                                              .attention = path.attention,
                                              .products = path.products};
    std::vector<float> logits;
    run::Prefill prefill(environment, plan, [&](std::size_t, std::uint32_t, std::uint32_t rows, const float * from) {
        logits.insert(logits.end(), from, from + std::size_t{rows} * impl.params.vocabulary);
    });
    while (prefill.advance()) {
    }
    return logits;
}

/// Those that can be had. The reference comes first and has to be; throws Error where it cannot.
std::vector<Path> paths_of(const Model & model) {
    std::vector<Path> paths;
    for (const Path & path : kPaths) {
        try {
            static_cast<void>(run::PrefillProducts::choose(Internals::of(model)->params, Internals::of(model)->decoder,
                                                           path.products));
            paths.push_back(path);
        } catch (const Error & reason) {
            if (paths.empty()) {
                throw;
            }
            std::cerr << "path_fidelity: without " << path.name << ": " << reason.what() << '\n';
        }
    }
    return paths;
}

void print(const std::vector<Path> & paths, const std::vector<eval::NextToken> & all) {
    fmt::print("| path | perplexity | against the reference | mean KL | 99th percentile KL | same first token |\n");
    fmt::print("|---|---|---|---|---|---|\n");
    for (std::size_t i = 0; i < paths.size(); ++i) {
        fmt::print("| {} | {:.4f} | {:+.3f} % | {:.2e} | {:.2e} | {:.2f} % |\n", paths[i].name, all[i].perplexity(),
                   100 * (all[i].perplexity() / all[0].perplexity() - 1), all[i].divergence(),
                   all[i].divergence_quantile(0.99), 100 * all[i].agreement());
    }
}

int compare(const std::vector<std::string> & arguments) {
    if (arguments.size() < 5) {
        std::cerr << "usage: path_fidelity MODEL TEXT CONTEXT THREADS [CHUNKS]\n";
        return 2;
    }
    const Model model = Model::load(arguments[1]);
    std::ifstream file(arguments[2], std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::size_t context = std::stoul(arguments[3]);
    const auto threads = static_cast<std::uint32_t>(std::stoul(arguments[4]));
    const std::vector<Token> tokens = model.tokenize(text, true, false);
    const std::size_t most = arguments.size() > 5 ? std::stoul(arguments[5]) : tokens.size();
    const std::size_t chunks = std::min(tokens.size() / context, most);
    const std::size_t vocabulary = model.info().vocabulary;
    const std::vector<Path> paths = paths_of(model);
    std::vector<eval::NextToken> sums(paths.size());
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
        const std::span<const Token> part = std::span(tokens).subspan(chunk * context, context);
        std::vector<float> reference;
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const std::vector<float> logits = run_chunk(model, paths[i], part, threads);
            reference = i == 0 ? logits : reference;
            // The chunk's last position predicts beyond it.
            for (std::size_t row = 0; row + 1 < logits.size() / vocabulary; ++row) {
                const auto at = [&](const std::vector<float> & all) {
                    return eval::log_softmax(std::span(all).subspan(row * vocabulary, vocabulary));
                };
                sums[i].add(at(logits), at(reference), part[context - context / 2 + row + 1]);
            }
        }
        fmt::print(stderr, "chunk {} of {}\n", chunk + 1, chunks);
    }
    fmt::print("{} chunks of {} tokens, {} positions scored\n\n", chunks, context, sums[0].positions().size());
    print(paths, sums);
    return 0;
}

}  // namespace

int main(int count, char ** values) {
    try {
        return compare({values, values + count});
    } catch (const std::exception & error) {
        std::cerr << "path_fidelity: " << error.what() << '\n';
        return 1;
    }
}
