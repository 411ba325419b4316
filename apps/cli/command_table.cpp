#include "options.h"

namespace snapkv::cli {

const std::vector<CommandInfo> & commands() {
    static const std::vector<CommandInfo> list = {
        {Command::None, "", "COMMAND ...", "run GGUF models on long prompts with a compressed KV cache", ""},
        {Command::Run, "run", "-m MODEL [-f FILE]... | -p TEXT | standard input  [-q QUESTION]... [-n N] [OPTION]...",
         "answer questions about a document",
         "Prefills the document and all questions once, compresses the cache for each question separately, and answers "
         "one question after the other. Without -f and -p, the document is read from standard input if that is a "
         "pipe, a socket or a file. With several questions, a line `> QUESTION` precedes each answer."},
        {Command::Show, "show",
         "-m MODEL [-f FILE]... | -p TEXT | standard input  [-q QUESTION] [--html OUT] [OPTION]...",
         "show which parts of a document the cache keeps",
         "Prefills like `run` and prints the prompt, each token coloured by how many KV heads, over all layers, kept "
         "it. Brackets replace colours where the output is not a terminal or NO_COLOR is set. --html writes a page "
         "instead."},
        {Command::Perplexity, "perplexity", "-m MODEL [-f FILE]... | standard input  [-c N] [--json] [OPTION]...",
         "measure a model's perplexity on a text",
         "Splits the text into chunks and scores the second half of each with the full cache, like llama.cpp's "
         "perplexity tool. An incomplete last chunk is ignored."},
        {Command::Inspect, "inspect", "MODEL [--json] [OPTION]...", "print a model's shape and memory needs",
         "Prints the model's shape, the cache size per token, and the memory that prefill and decode need for 4K to "
         "512K tokens, with a full and a compressed cache."},
        {Command::Bench, "bench", "-m MODEL [-p N,...] [-n N,...] [-d N,...] [-r N] [-o md|json|csv] [OPTION]...",
         "measure prefill and decode speed",
         "Measures prefill of random tokens (`pp512`) and decode (`tg128`) like llama-bench, one row for each "
         "combination of the lists. At a depth (`tg128 @ d8000`) the cache is filled with random rows, as many as the "
         "policy would keep of a prompt that long, so that no prefill is needed; `-p` then measures a further turn. "
         "Each "
         "row has the mean and the standard deviation of tokens per second (JSON and CSV also the median), the peak "
         "memory of keys and values, and the peak resident memory. Decode is fed random tokens; nothing is sampled. "
         "The "
         "context is as long as the tests need. Ctrl-C keeps the rows so far."},
        {Command::Eval, "eval",
         "needle|lines|longbench|ruler|fidelity -m MODEL [-f FILE]... [--budgets N|P%,...] [-o FOLDER] [OPTION]...",
         "measure what a compressed cache costs in quality",
         "Asks questions with known answers, each with every combination of the cache options, all from one prefill, "
         "and writes tables, charts and a report to a folder. `needle`: find a sentence in a haystack (-f), at every "
         "length and depth. `lines`: LongEval's line retrieval, generated or read from files (--data). `longbench`: "
         "its "
         "16 English sets (--data), in the official format or as complete prompts. `ruler`: its 13 tasks, generated "
         "(with -f as the haystack) or read from files (--data). `fidelity`: any text (-f), no answers needed: the "
         "full "
         "cache generates, and every other cache is scored on the same tokens. Results are appended to results.jsonl "
         "as "
         "they come; after Ctrl-C or a crash, the same command resumes."},
        {Command::Observe, "observe",
         "windows|generation|instructions|position|budget|missed -m MODEL -f FILE [-q QUESTION]... "
         "[-o FOLDER] [OPTION]...",
         "show what a model attends to in a text",
         "Generates an answer with the full cache and analyses its attention: the SnapKV paper's figures for any model "
         "and text. `windows` (Figure 2): which windows of the prompt predict what the answer attends to. "
         "`generation` (Figure 3): whether the last window's selection still holds as the answer grows. `instructions` "
         "(Figure 4): what different instructions (several -q) select from the same document. `position` (Figure 5): "
         "the instruction after the document and before it. `budget`: how much of the attention each budget keeps, by "
         "layer and head, and what each layer attends to. `missed`: how much attention goes to rows that are not kept, "
         "by layer, head and distance from the nearest kept row. It selects by the mean of the votes, and by the "
         "paper's kernel:3,3 unless --kv-cluster or --kv-kernel says otherwise: auto means that here."},
        {Command::MakeModel, "make-model", "-o FILE [--shape SHAPE] [--type TYPE] [OPTION]...",
         "write a model with random or constructed weights",
         "For benchmarks and tests: speed and memory do not depend on training. The same options always give the same "
         "file. An existing file is kept unless --force is given; Ctrl-C leaves nothing behind. `--shape retrieval "
         "--vocab FILE.gguf` sets the weights by hand: a model that finds and copies, for experiments with the cache "
         "(docs/retrieval-model.md)."},
        {Command::Policies, "policies", "[--json]", "list the cache policies, their sources and what they choose",
         "Prints the table behind --kv-policy: what each policy keeps, the paper it is from, what it adds to a "
         "prefill, "
         "and what it chooses where the options leave it open. Those marked * go on evicting while they generate, "
         "by their authors' rule (--kv-evict off ends that); the others decide once, at the prompt's end."},
        {Command::Completion, "completion", "bash|zsh|fish", "print a completion script for a shell",
         "For bash: `source <(snapkv completion bash)`."},
        {Command::Docs, "docs", "", "print the command-line reference as Markdown", "", true},
    };
    return list;
}

}  // namespace snapkv::cli
