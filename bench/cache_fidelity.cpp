// What a smaller cache costs in fidelity, by rows and by bits: a text is read up to a point into caches of several
// budgets and types, one prefill for all, and each then reads on token by token. Prints a Markdown table: bytes of keys
// and values, perplexity of what follows, Kullback-Leibler divergence of the next token's distribution from that of the
// full f16 cache, and how often both favour the same token.
//
// usage: cache_fidelity MODEL TEXT PROMPT FOLLOWING CHUNKS THREADS

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "next_token.h"
#include "snapkv/snapkv.h"

namespace {

using namespace snapkv;

struct Variant {
    const char * name;
    double budget;  ///< rows; 0: full
    KvTypes type;
};
constexpr std::array kVariants{
    Variant{"full, f16 (reference)", 0, KvType::F16},
    Variant{"full, q8_0", 0, KvType::Q8_0},
    Variant{"full, keys q8_0, values q4_0", 0, KvTypes(KvType::Q8_0, KvType::Q4_0)},
    Variant{"full, q4_0", 0, KvType::Q4_0},
    Variant{"1024 rows, f16", 1024, KvType::F16},
    Variant{"1024 rows, q8_0", 1024, KvType::Q8_0},
    Variant{"1024 rows, q4_0", 1024, KvType::Q4_0},
    Variant{"256 rows, f16", 256, KvType::F16},
};

struct Sums {
    double bytes = 0;
    bench::NextToken next;
};
using AllSums = std::array<Sums, kVariants.size()>;

std::vector<Branch> branches_of(std::span<const Token> prompt) {
    std::vector<Branch> branches;
    for (const Variant & variant : kVariants) {
        Branch & branch = branches.emplace_back();
        branch.prompt.tokens.assign(prompt.begin(), prompt.end());
        branch.prompt.question_begin = prompt.size();
        branch.cache.policy = variant.budget > 0 ? Policy::SnapKV : Policy::Full;
        branch.cache.budget.value = std::max(variant.budget, 1.0);
        branch.cache.type = variant.type;
    }
    return branches;
}

/// The first position after the prompt is left out: all variants predict it alike, from the prefill.
void run_chunk(Session & session, std::span<const Token> prompt, std::span<const Token> following, AllSums & sums) {
    PrefillResult result = session.prefill(branches_of(prompt));
    std::vector<std::vector<double>> expected;
    for (std::size_t index = 0; index < kVariants.size(); ++index) {
        Sequence & sequence = result.sequences[index];
        sums[index].bytes += static_cast<double>(sequence.cache_stats().bytes_kept);
        for (std::size_t i = 0; i + 1 < following.size(); ++i) {
            session.append(sequence, following.subspan(i, 1));
            const std::vector<double> got = bench::log_softmax(sequence.logits());
            if (index == 0) {
                expected.push_back(got);
            }
            sums[index].next.add(got, expected[i], following[i + 1]);
        }
    }
}

void print(const AllSums & all, std::size_t chunks) {
    fmt::print("| cache | MiB | share | perplexity | mean KL | same first token |\n|---|---:|---:|---:|---:|---:|\n");
    for (std::size_t index = 0; index < all.size(); ++index) {
        const Sums & sums = all[index];
        fmt::print("| {} | {:.1f} | {:.1f} % | {:.3f} | {:.2e} | {:.1f} % |\n", kVariants[index].name,
                   sums.bytes / static_cast<double>(chunks) / (1U << 20U), 100 * sums.bytes / all[0].bytes,
                   sums.next.perplexity(), sums.next.divergence(), 100 * sums.next.agreement());
    }
}

}  // namespace

int main(int count, char ** arguments) {
    if (count != 7) {
        std::cerr << "usage: cache_fidelity MODEL TEXT PROMPT FOLLOWING CHUNKS THREADS\n";
        return 2;
    }
    try {
        const auto number = [&](int index) { return std::strtoull(arguments[index], nullptr, 10); };
        const std::size_t prompt = number(3);
        const std::size_t following = number(4);
        const std::size_t chunks = number(5);
        const Model model = Model::load(arguments[1]);
        std::ifstream file(arguments[2], std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const std::vector<Token> tokens = model.tokenize(text, false, false);
        if (following < 2 || tokens.size() < chunks * (prompt + following)) {
            std::cerr << fmt::format("cache_fidelity: {} has {} tokens, expected at least {}\n", arguments[2],
                                     tokens.size(), chunks * (prompt + following));
            return 1;
        }
        SessionOptions options;
        options.threads = static_cast<std::uint32_t>(number(6));
        Session session(model, options);
        AllSums sums;
        for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
            const auto all = std::span(tokens).subspan(chunk * (prompt + following), prompt + following);
            run_chunk(session, all.first(prompt), all.subspan(prompt), sums);
        }
        print(sums, chunks);
    } catch (const std::exception & error) {
        std::cerr << "cache_fidelity: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
