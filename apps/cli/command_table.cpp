#include "options.h"

namespace snapkv::cli {

const std::vector<CommandInfo> & commands() {
    static const std::vector<CommandInfo> list = {
        {Command::None, "", "COMMAND ...", "GGUF models on long prompts with a compressed KV cache", ""},
        {Command::Run, "run", "-m MODEL [-f FILE]... | -p TEXT | standard input  [-q QUESTION]... [-n N] [OPTION]...",
         "answer questions about a document",
         "Reads the document and the questions, prefills them once, keeps for each question the rows of the cache that "
         "it needs, and answers them one after the other. Standard input is read where neither -f nor -p is given and "
         "it is not a terminal. Several answers come in order, each after a line `> QUESTION`."},
        {Command::Show, "show",
         "-m MODEL [-f FILE]... | -p TEXT | standard input  [-q QUESTION] [--html OUT] [OPTION]...",
         "show which parts of a document the cache keeps",
         "Prefills as `run` does and prints the prompt with every token coloured by how many KV heads of all layers "
         "kept it. Without a terminal, or with NO_COLOR set, brackets stand for the colours. --html writes a page."},
        {Command::Perplexity, "perplexity", "-m MODEL [-f FILE]... | standard input  [-c N] [--json] [OPTION]...",
         "measure a model's perplexity on a text",
         "Splits the text into chunks and scores the second half of each with the full cache, as llama.cpp's tool of "
         "the same name does. An incomplete last chunk is left out."},
        {Command::Inspect, "inspect", "MODEL [--json] [OPTION]...", "say what a model is and what memory it will need",
         "Prints the model's shape, the cache's bytes per token, and what prefill and decode will need from 4K to 512K "
         "tokens, full and compressed."},
        {Command::Bench, "bench", "-m MODEL [-p N,...] [-n N,...] [-d N,...] [-r N] [-o md|json|csv] [OPTION]...",
         "measure prefill and decode",
         "Measures prompts of random tokens (`pp512`) and steps of decode (`tg128`), as llama-bench does, one row for "
         "every combination of the lists. At a depth (`tg128 @ d8000`) rows of random numbers stand for a prompt of so "
         "many tokens, as many as the policy would keep, so that a depth costs no prefill; there `-p` measures a "
         "further turn. Each row gives the mean and the standard deviation of tokens a second (JSON and CSV the median "
         "too), the most key and value memory alive, and the most memory resident. Steps of decode take random tokens; "
         "nothing is sampled. The context is as long as the tests need. Ctrl-C ends with the rows so far."},
        {Command::MakeModel, "make-model", "-o FILE [--shape SHAPE] [--type TYPE] [OPTION]...",
         "write a model with random weights in the shape of a real one, or a constructed one",
         "For benchmarks and tests: speed and memory need no training. The same options give the same file. A file "
         "that is there already stays unless --force is given; Ctrl-C leaves nothing behind. With `--shape retrieval "
         "--vocab FILE.gguf` the weights are constructed by hand: a model that finds and copies, for experiments with "
         "the cache (docs/retrieval-model.md)."},
        {Command::Completion, "completion", "bash|zsh|fish", "print a completion script for a shell",
         "For bash: `source <(snapkv completion bash)`."},
        {Command::Docs, "docs", "", "print the reference of the command line as Markdown", "", true},
    };
    return list;
}

}  // namespace snapkv::cli
