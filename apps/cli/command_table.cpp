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
        {Command::Eval, "eval",
         "needle|lines|longbench|ruler|fidelity -m MODEL [-f FILE]... [--budgets N|P%,...] [-o FOLDER] [OPTION]...",
         "measure what a compressed cache costs in answers",
         "Asks questions with known answers, each with every combination of the cache options, as branches of one "
         "prefill, and writes tables, pictures and a report into a folder. `needle`: a sentence is found again in a "
         "haystack (-f), at every length and depth. `lines`: numbers are found in LongEval's lines, made or read "
         "(--data). `longbench`: its 16 English sets (--data), in the official format or as ready prompts. `ruler`: "
         "its "
         "13 tasks, made (with -f as the haystack) or read (--data). `fidelity`: on any text (-f), without answers: "
         "the "
         "full cache generates, and each other cache is scored along the same tokens. Results are appended to "
         "results.jsonl as they come; after Ctrl-C or a crash the same command goes on where it stopped."},
        {Command::Observe, "observe",
         "windows|generation|instructions|position|budget -m MODEL -f FILE [-q QUESTION]... "
         "[-o FOLDER] [OPTION]...",
         "show what a model attends to in a text",
         "Lets the model answer with the full cache and looks at its attention while it does: the figures of the "
         "SnapKV "
         "paper for any model and text. `windows` (Figure 2): which windows of the prompt know what the answer will "
         "attend to. `generation` (Figure 3): whether the last window's selection lasts while the answer grows. "
         "`instructions` (Figure 4): what different instructions (several -q) select of the same document. `position` "
         "(Figure 5): the instruction after and before the document. `budget`: the share of the attention that budgets "
         "keep, by layer and head, and what each layer attends to."},
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
