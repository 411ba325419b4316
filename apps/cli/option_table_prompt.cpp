// The options that say what the prompt is.
#include "option_table.h"

namespace snapkv::cli {
namespace {

Option document_text(Commands commands, const char * help) {
    return {.names = {"-p", "--prompt"},
            .placeholder = "TEXT",
            .help = help,
            .section = Section::Prompt,
            .commands = commands,
            .read = [](Settings & s, Name, const Value & v) { s.prompt = v; }};
}

Option question(Commands commands, const char * help, bool repeatable) {
    return {.names = {"-q", "--question"},
            .placeholder = "QUESTION",
            .help = help,
            .section = Section::Prompt,
            .commands = commands,
            .read = [](Settings & s, Name, const Value & v) { s.questions.push_back(v); },
            .repeatable = repeatable};
}

Option truncation(Commands commands, std::string_view room) {
    return {.names = {"--truncate"},
            .placeholder = "WHAT",
            .help = fmt::format("what to do with a document that does not fit the context: fail, or drop tokens from "
                                "its middle until it and the answer fit (room for the answer: {} of the context, at "
                                "most 1024 tokens)",
                                room),
            .section = Section::Prompt,
            .commands = commands,
            .read = [](Settings & s, Name name, const Value & v) { s.truncate = from_word(truncate_words, name, v); },
            .show = [](const Settings & s) { return to_word(truncate_words, s.truncate); },
            .words = word_list(truncate_words)};
}

}  // namespace

void add_prompt_options(std::vector<Option> & table) {
    const Section section = Section::Prompt;
    table.push_back({.names = {"MODEL"},
                     .placeholder = "MODEL",
                     .help = "GGUF model file; of a split model, the first shard",
                     .section = section,
                     .commands = in(Command::Inspect),
                     .read = [](Settings & s, Name, const Value & v) { s.model = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.model}; }});
    table.push_back({.names = {"-m", "--model"},
                     .placeholder = "MODEL",
                     .help = "GGUF model file; of a split model, the first shard",
                     .section = section,
                     .commands = computing | in(Command::Bench),
                     .read = [](Settings & s, Name, const Value & v) { s.model = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.model}; }});
    table.push_back({.names = {"-f", "--file"},
                     .placeholder = "FILE",
                     .help = "read the document from FILE (-: standard input); several files are concatenated",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name, const Value & v) { s.files.emplace_back(v); },
                     .repeatable = true,
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return s.files; }});
    table.push_back(
        document_text(in(Command::Run), "the document itself, instead of -f; with --load-kv, the next turn"));
    table.push_back(document_text(in(Command::Show), "the document itself, instead of -f"));
    table.push_back(
        question(in(Command::Run), "question about the document; each question gets its own cache and answer", true));
    table.push_back(question(in(Command::Show, Command::Eval), "question about the document", false));
    table.push_back(question(in(Command::Observe),
                             "question or instruction that follows the document; `instructions` takes several", true));
    table.push_back({.names = {"-sys", "--system-prompt"},
                     .placeholder = "TEXT",
                     .help = "system message before the document; a template that knows none gets it as the first line "
                             "of the user's message",
                     .section = section,
                     .commands = prompting,
                     .read = [](Settings & s, Name, const Value & v) { s.system_prompt = v; }});
    table.push_back({.names = {"-sysf", "--system-prompt-file"},
                     .placeholder = "FILE",
                     .help = "read the system message from FILE",
                     .section = section,
                     .commands = prompting,
                     .read = [](Settings & s, Name, const Value & v) { s.system_prompt_file = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.system_prompt_file}; }});
    table.push_back({.names = {"--chat-template"},
                     .placeholder = "TEMPLATE",
                     .help = "a Jinja chat template instead of the model file's, or chatml for that format",
                     .section = section,
                     .commands = prompting | experimenting,
                     .read = [](Settings & s, Name, const Value & v) { s.chat_template = v; }});
    table.push_back({.names = {"--chat-template-file"},
                     .placeholder = "FILE",
                     .help = "read the chat template from FILE",
                     .section = section,
                     .commands = prompting | experimenting,
                     .read = [](Settings & s, Name, const Value & v) { s.chat_template_file = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.chat_template_file}; }});
    table.push_back({.names = {"--raw"},
                     .help = "apply no chat template: join document and question as they are",
                     .section = section,
                     .commands = prompting | experimenting,
                     .read = [](Settings & s, Name, const Value &) { s.raw = true; }});
    table.push_back({.names = {"--parse-special"},
                     .help = "with --raw: text such as <|im_end|> becomes the control token it names",
                     .section = section,
                     .commands = prompting,
                     .read = [](Settings & s, Name, const Value &) { s.parse_special = true; }});
    table.push_back(truncation(in(Command::Run), "-n up to half of the context, otherwise a quarter"));
    table.push_back(truncation(in(Command::Show), "a quarter"));
}

}  // namespace snapkv::cli
