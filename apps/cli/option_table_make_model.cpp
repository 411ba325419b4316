// The options of `snapkv make-model`.
#include "option_table.h"

namespace snapkv::cli {

namespace {

std::vector<std::string> shapes() {
    std::vector<std::string> list = random_model_shapes();
    list.emplace_back(constructed_shape);
    return list;
}

}  // namespace

void add_make_model_options(std::vector<Option> & table) {
    const Section section = Section::MadeModel;
    const Commands commands = in(Command::MakeModel);
    table.push_back({.names = {"-o", "--output"},
                     .placeholder = "FILE",
                     .help = "file to write",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.output = v; },
                     .files = Files::Model,
                     .paths = [](const Settings & s) { return Paths{s.output}; }});
    table.push_back(
        {.names = {"--shape"},
         .placeholder = "SHAPE",
         .help = "model to copy architecture and sizes from, or `retrieval`: a constructed model that copies what "
                 "followed the same tokens earlier in the text",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.random_model.shape = one_of(shapes(), name, v); },
         .show = [](const Settings & s) { return s.random_model.shape; },
         .words = shapes()});
    table.push_back({.names = {"--type"},
                     .placeholder = "TYPE",
                     .help = "type of all matrices; `retrieval` is f16 unless f32 is given",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.random_model.type = one_of(random_model_types(), name, v); },
                     .show = [](const Settings & s) { return s.random_model.type; },
                     .words = random_model_types()});
    table.push_back(
        {.names = {"--layers"},
         .placeholder = "N",
         .help = "number of layers, instead of the shape's",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.random_model.layers = read_count(name, v, 1); }});
    table.push_back({.names = {"--vocab"},
                     .placeholder = "FILE.gguf",
                     .help = "use this model's tokenizer instead of bytes and numbered words; required for `retrieval`",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.random_model.vocabulary = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.random_model.vocabulary}; }});
    table.push_back(
        {.names = {"-s", "--seed"},
         .placeholder = "N",
         .help = "random seed for the weights",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.random_model.seed = read_count(name, v); },
         .show = [](const Settings & s) { return fmt::format("{}", s.random_model.seed); }});
    table.push_back(
        {.names = {"--suffix"},
         .placeholder = "N",
         .help = "`retrieval`: number of preceding tokens each position compares, 4 to 32",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.retrieval_model.suffix = read_count(name, v, 1); },
         .show = [](const Settings & s) { return fmt::format("{}", s.retrieval_model.suffix); }});
    table.push_back({.names = {"--force"},
                     .help = "overwrite an existing file",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value &) { s.force = true; }});
}

}  // namespace snapkv::cli
