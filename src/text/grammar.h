#pragma once

#include <memory>
#include <string>

#include "text/vocabulary.h"

struct llama_sampler;

namespace snapkv::text {

struct FreeSampler {
    void operator()(llama_sampler * sampler) const;
};
using SamplerPointer = std::unique_ptr<llama_sampler, FreeSampler>;

/// libllama's sampler for a grammar in GBNF, whose rule `root` is the whole answer. A grammar is a program from
/// outside: it is read in a child process with a budget of time, memory and stack first, and refused if its rules can
/// begin in very many ways. What following an ambiguous one takes is not limited otherwise. Throws Error(Input), with
/// the reason, for one that cannot be used; Error(Machine) where no child process can be had; Error(Interrupted) once
/// the vocabulary is to stop.
SamplerPointer make_grammar(const Vocabulary & vocabulary, const std::string & grammar);

/// The grammar of the texts that a JSON schema describes, as llama.cpp makes it: of a subset of what schemas can say.
/// Read and refused likewise.
std::string grammar_of_schema(const Vocabulary & vocabulary, const std::string & schema);

}  // namespace snapkv::text
