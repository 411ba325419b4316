#include "eval/longbench_sets.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>

#include "eval/fail.h"

namespace snapkv::eval {
namespace {

constexpr std::string_view passages_before =
    "Answer the question based on the given passages. Only give me the answer and do not output any other words.\n\n"
    "The following are given passages.\n";
constexpr std::string_view passages_between =
    "\n\nAnswer the question based on the given passages. Only give me the answer and do not output any other words.\n"
    "\nQuestion: ";
constexpr std::string_view code_before = "Please complete the code given below. \n";
constexpr std::string_view code_after = "Next line of code:\n";

// What the questions of ready prompts begin with.
constexpr std::array<std::string_view, 1> story{"\n\nNow, answer the question based on the story"};
constexpr std::array<std::string_view, 2> article{"\n\n Answer the question based on the above article",
                                                  "\n\nAnswer the question based on the given passages."};
constexpr std::array<std::string_view, 1> text{"\n\nNow, answer the following question based on the above text"};
constexpr std::array<std::string_view, 1> passages{"\n\nAnswer the question based on the given passages."};
constexpr std::array<std::string_view, 1> report{"\n\nNow, write a one-page summary of the report."};
constexpr std::array<std::string_view, 1> transcript{"\n\nNow, answer the query based on the above meeting transcript"};
constexpr std::array<std::string_view, 1> news{"\n\nNow, write a one-page summary of all the news."};
constexpr std::array<std::string_view, 1> question{"\nQuestion: "};
constexpr std::array<std::string_view, 1> passage{"\n\nPassage:\n"};
constexpr std::array<std::string_view, 1> dialogue{"\n\nDialogue: "};
constexpr std::array<std::string_view, 1> count{"\n\nPlease enter the final count of unique paragraphs"};
constexpr std::array<std::string_view, 1> abstract{"\n\nThe following is an abstract."};
constexpr std::array<std::string_view, 1> code{code_after};

constexpr std::array sets{
    LongBenchSet{
        .name = "narrativeqa",
        .metric = Metric::TokenF1,
        .max_tokens = 128,
        .spread = false,
        // "asconcisely" is the original's spelling, twice.
        .before = "You are given a story, which can be either a novel or a movie script, and a question. Answer the "
                  "question asconcisely as you can, using a single phrase if possible. Do not provide any "
                  "explanation.\n\nStory: ",
        .between = "\n\nNow, answer the question based on the story asconcisely as you can, using a single phrase if "
                   "possible. Do not provide any explanation.\n\nQuestion: ",
        .after = "\n\nAnswer:",
        .question_starts = story,
    },
    LongBenchSet{
        .name = "qasper",
        .metric = Metric::TokenF1,
        .max_tokens = 128,
        .before = "You are given a scientific article and a question. Answer the question as concisely as you can, "
                  "using a single phrase or sentence if possible. If the question cannot be answered based on the "
                  "information in the article, write \"unanswerable\". If the question is a yes/no question, answer "
                  "\"yes\", \"no\", or \"unanswerable\". Do not provide any explanation.\n\nArticle: ",
        .between = "\n\n Answer the question based on the above article as concisely as you can, using a single phrase "
                   "or sentence if possible. If the question cannot be answered based on the information in the "
                   "article, write \"unanswerable\". If the question is a yes/no question, answer \"yes\", \"no\", or "
                   "\"unanswerable\". Do not provide any explanation.\n\nQuestion: ",
        .after = "\n\nAnswer:",
        .question_starts = article,
    },
    LongBenchSet{
        .name = "multifieldqa_en",
        .metric = Metric::TokenF1,
        .max_tokens = 64,
        .before = "Read the following text and answer briefly.\n\n",
        .between = "\n\nNow, answer the following question based on the above text, only give me the answer and do not "
                   "output any other words.\n\nQuestion: ",
        .after = "\nAnswer:",
        .question_starts = text,
    },
    LongBenchSet{
        .name = "hotpotqa",
        .metric = Metric::TokenF1,
        .max_tokens = 32,
        .before = passages_before,
        .between = passages_between,
        .after = "\nAnswer:",
        .question_starts = passages,
    },
    LongBenchSet{
        .name = "2wikimqa",
        .metric = Metric::TokenF1,
        .max_tokens = 32,
        .before = passages_before,
        .between = passages_between,
        .after = "\nAnswer:",
        .question_starts = passages,
    },
    LongBenchSet{
        .name = "musique",
        .metric = Metric::TokenF1,
        .max_tokens = 32,
        .spread = false,
        .before = passages_before,
        .between = passages_between,
        .after = "\nAnswer:",
        .question_starts = passages,
    },
    LongBenchSet{
        .name = "gov_report",
        .metric = Metric::RougeL,
        .max_tokens = 512,
        .asks = false,
        .before = "You are given a report by a government agency. Write a one-page summary of the report.\n\nReport:\n",
        .between = "\n\nNow, write a one-page summary of the report.\n\nSummary:",
        .question_starts = report,
    },
    LongBenchSet{
        .name = "qmsum",
        .metric = Metric::RougeL,
        .max_tokens = 512,
        .spread = false,
        .before = "You are given a meeting transcript and a query containing a question or instruction. Answer the "
                  "query in one or more sentences.\n\nTranscript:\n",
        .between = "\n\nNow, answer the query based on the above meeting transcript in one or more sentences.\n\n"
                   "Query: ",
        .after = "\nAnswer:",
        .question_starts = transcript,
    },
    LongBenchSet{
        .name = "multi_news",
        .metric = Metric::RougeL,
        .max_tokens = 512,
        .asks = false,
        .before = "You are given several news passages. Write a one-page summary of all news. \n\nNews:\n",
        .between = "\n\nNow, write a one-page summary of all the news.\n\nSummary:",
        .question_starts = news,
    },
    LongBenchSet{
        .name = "trec",
        .metric = Metric::Classification,
        .max_tokens = 64,
        .first_line = true,
        .bare = true,
        .before = "Please determine the type of the question below. Here are some examples of questions.\n\n",
        .between = "\n",
        .question_starts = question,
    },
    LongBenchSet{
        .name = "triviaqa",
        .metric = Metric::TokenF1,
        .max_tokens = 32,
        .first_line = true,
        .bare = true,
        .before = "Answer the question based on the given passage. Only give me the answer and do not output any other "
                  "words. The following are some examples.\n\n",
        .between = "\n\n",
        .question_starts = passage,
    },
    LongBenchSet{
        .name = "samsum",
        .metric = Metric::RougeL,
        .max_tokens = 128,
        .first_line = true,
        .bare = true,
        .before = "Summarize the dialogue into a few short sentences. The following are some examples.\n\n",
        .between = "\n\n",
        .question_starts = dialogue,
    },
    LongBenchSet{
        .name = "passage_count",
        .metric = Metric::Count,
        .max_tokens = 32,
        .asks = false,
        .before = "There are some paragraphs below sourced from Wikipedia. Some of them may be duplicates. Please "
                  "carefully read these paragraphs and determine how many unique paragraphs there are after removing "
                  "duplicates. In other words, how many non-repeating paragraphs are there in total?\n\n",
        .between = "\n\nPlease enter the final count of unique paragraphs after removing duplicates. The output format "
                   "should only contain the number, such as 1, 2, 3, and so on.\n\nThe final answer is: ",
        .question_starts = count,
    },
    LongBenchSet{
        .name = "passage_retrieval_en",
        .metric = Metric::Retrieval,
        .max_tokens = 32,
        .before = "Here are 30 paragraphs from Wikipedia, along with an abstract. Please determine which paragraph the "
                  "abstract is from.\n\n",
        .between = "\n\nThe following is an abstract.\n\n",
        .after = "\n\nPlease enter the number of the paragraph that the abstract is from. The answer format must be "
                 "like \"Paragraph 1\", \"Paragraph 2\", etc.\n\nThe answer is: ",
        .question_starts = abstract,
    },
    LongBenchSet{
        .name = "lcc",
        .metric = Metric::CodeSimilarity,
        .max_tokens = 64,
        .bare = true,
        .asks = false,
        .before = code_before,
        .between = code_after,
        .question_starts = code,
    },
    LongBenchSet{
        .name = "repobench-p",
        .metric = Metric::CodeSimilarity,
        .max_tokens = 64,
        .bare = true,
        .before = code_before,
        .after = code_after,
        .question_starts = code,
    },
};

}  // namespace

std::span<const LongBenchSet> longbench_sets() {
    return sets;
}

std::vector<std::string> longbench_names() {
    std::vector<std::string> names;
    for (const LongBenchSet & set : sets) {
        names.emplace_back(set.name);
    }
    for (const LongBenchSet & set : sets) {
        if (set.spread) {
            names.push_back(fmt::format("{}_e", set.name));
        }
    }
    return names;
}

const LongBenchSet * find_longbench_set(std::string_view name) {
    const auto found = std::find_if(sets.begin(), sets.end(), [&](const LongBenchSet & set) {
        return name == set.name || (set.spread && name == fmt::format("{}_e", set.name));
    });
    return found == sets.end() ? nullptr : &*found;
}

const LongBenchSet & longbench_set(std::string_view name) {
    const LongBenchSet * set = find_longbench_set(name);
    if (set == nullptr) {
        usage_error("LongBench set \"{}\" is not one of {}", name, fmt::join(longbench_names(), ", "));
    }
    return *set;
}

}  // namespace snapkv::eval
