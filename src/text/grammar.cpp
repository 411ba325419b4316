#include "text/grammar.h"

#include <exception>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/raise.h"
#include "json-schema-to-grammar.h"
#include "llama-grammar.h"
#include "llama.h"
#include "text/guarded.h"
#include "text/llama_log.h"

namespace snapkv::text {
namespace {

constexpr const char * root = "root";

Outsider as_outsider(std::string_view what, const std::string & text) {
    return {.what = what, .doing = "reading", .done = "read", .bytes = text.size()};
}

/// What `read` makes of a text in a child process.
std::string read_guarded(const Vocabulary & vocabulary, std::string_view what, const std::string & text,
                         const std::function<std::string()> & read) {
    if (text.find('\0') != std::string::npos) {
        raise_input("the {} cannot be used: it contains a zero byte", what);
    }
    Guarded guarded = run_guarded(vocabulary, as_outsider(what, text), read);
    if (!guarded.made) {
        raise_input("the {} cannot be used: {}", what, guarded.error);
    }
    return std::move(*guarded.made);
}

/// The parser's messages end with all the text that follows.
std::string without_the_rest(std::string_view message) {
    constexpr std::size_t longest = 120;
    message = message.substr(0, message.find('\n'));
    return std::string(message.substr(0, longest)) + (message.size() > longest ? "..." : "");
}

/// Where the first rule begins, behind blanks and comments.
const char * first_rule(const char * at) {
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == '#') {
        if (*at == '#') {
            while (*at != '\0' && *at != '\n') {
                ++at;
            }
        } else {
            ++at;
        }
    }
    return at;
}

/// Throws what is wrong with a grammar. llama_grammar_parser::parse() would print it.
void check_rules(const Vocabulary & vocabulary, const std::string & grammar) {
    llama_grammar_parser parser(vocabulary.raw());
    try {
        for (const char * at = first_rule(grammar.c_str()); *at != '\0';) {
            at = parser.parse_rule(at);
        }
    } catch (const std::exception & e) {
        throw std::runtime_error(without_the_rest(e.what()));
    }
    for (const auto & [name, id] : parser.symbol_ids) {
        if (id >= parser.rules.size() || parser.rules[id].empty()) {
            throw std::runtime_error("the rule " + name + " is not defined");
        }
    }
    if (!parser.symbol_ids.contains(root)) {
        throw std::runtime_error("it has no rule root");
    }
    const LlamaLog log;
    if (SamplerPointer(llama_sampler_init_grammar(vocabulary.raw(), grammar.c_str(), root)) == nullptr) {
        throw std::runtime_error(log.first_error());
    }
}

}  // namespace

void FreeSampler::operator()(llama_sampler * sampler) const {
    llama_sampler_free(sampler);
}

SamplerPointer make_grammar(const Vocabulary & vocabulary, const std::string & grammar) {
    read_guarded(vocabulary, "grammar", grammar, [&] {
        check_rules(vocabulary, grammar);
        return std::string();
    });
    SamplerPointer sampler;
    on_stack_for(as_outsider("grammar", grammar),
                 [&] { sampler.reset(llama_sampler_init_grammar(vocabulary.raw(), grammar.c_str(), root)); });
    if (sampler == nullptr) {
        raise_machine("the grammar could be read once, but not a second time");
    }
    return sampler;
}

std::string grammar_of_schema(const Vocabulary & vocabulary, const std::string & schema) {
    return read_guarded(vocabulary, "JSON schema", schema,
                        [&] { return json_schema_to_grammar(common_json::parse(schema), true); });
}

}  // namespace snapkv::text
