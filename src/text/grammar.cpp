#include "text/grammar.h"

#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printed_errors.h"
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

/// What libllama does not look for, and what following a grammar would then take all memory or time for: rules that
/// begin with themselves behind others that may be empty, and expressions that can begin in too many ways.
class Beginnings {
public:
    explicit Beginnings(const llama_grammar_rules & rules) : rules_(rules), empty_(rules.size()), ways_(rules.size()) {
        for (bool changed = true; changed;) {
            changed = false;
            for (std::size_t rule = 0; rule < rules.size(); ++rule) {
                if (!empty_[rule] && may_be_empty(rule)) {
                    empty_[rule] = changed = true;
                }
            }
        }
    }

    void check() {
        for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
            if (ways_of(rule) > most_ways) {
                throw std::runtime_error("its rules can begin in too many ways");
            }
        }
    }

private:
    static constexpr double most_ways = 1 << 16;

    [[nodiscard]] bool passes(const llama_grammar_element & element) const {
        return element.type == LLAMA_GRETYPE_RULE_REF && empty_[element.value];
    }
    static bool ends(const llama_grammar_element & element) {
        return element.type == LLAMA_GRETYPE_END || element.type == LLAMA_GRETYPE_ALT;
    }
    [[nodiscard]] bool may_be_empty(std::size_t rule) const {
        bool all = true;  // of the alternative so far
        for (const llama_grammar_element & element : rules_[rule]) {
            if (ends(element)) {
                if (all) {
                    return true;
                }
                all = true;
            } else {
                all = all && passes(element);
            }
        }
        return false;
    }
    /// How many stacks libllama makes of a rule before it waits for a character.
    double ways_of(std::size_t rule) {
        constexpr double counting = -1;
        if (ways_[rule]) {
            if (*ways_[rule] == counting) {
                throw std::runtime_error("a rule begins with itself (left recursion)");
            }
            return *ways_[rule];
        }
        ways_[rule] = counting;
        double ways = 0;
        bool begins = true;
        for (const llama_grammar_element & element : rules_[rule]) {
            if (ends(element)) {
                ways += begins ? 1 : 0;
                begins = true;
            } else if (begins) {
                ways += element.type == LLAMA_GRETYPE_RULE_REF ? ways_of(element.value) : 1;
                begins = passes(element);
            }
        }
        ways_[rule] = ways;
        return ways;
    }

    const llama_grammar_rules & rules_;
    std::vector<bool> empty_;
    std::vector<std::optional<double>> ways_;
};

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
    Beginnings(parser.rules).check();
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
    std::string grammar = read_guarded(vocabulary, "JSON schema", schema, [&] {
        const PrintedErrors printed;
        std::string made = json_schema_to_grammar(common_json::parse(schema), true);
        if (const std::string warnings = printed.text(); !warnings.empty()) {
            throw std::runtime_error(warnings);
        }
        return made;
    });
    if (grammar.size() > longest_outside_text) {
        raise_input("the JSON schema cannot be used: it becomes a grammar of {} bytes; at most {} are supported",
                    grammar.size(), longest_outside_text);
    }
    return grammar;
}

}  // namespace snapkv::text
