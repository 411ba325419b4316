#pragma once

#include <string>

#include "eval/ruler.h"
#include "eval/word_counter.h"

namespace snapkv::eval::test {

/// Essays of numbered sentences; collections of 60 paragraphs in articles of 3, of which each answers a question.
inline RulerInputs ruler_inputs() {
    std::string essays;
    for (int i = 0; i < 150; ++i) {
        essays += "Essay line " + std::to_string(i) + " goes on\nfor a while." + (i % 5 == 4 ? "\n\n" : " ");
    }
    QaData data;
    data.name = "qa.json";
    for (std::size_t i = 0; i < 60; ++i) {
        data.paragraphs.push_back("Paragraph " + std::to_string(i) + "\nhides the word secret" + std::to_string(i) +
                                  " among a few others.");
        const std::size_t first = i / 3 * 3;
        QaData::Question question;
        question.text = "Which word does paragraph " + std::to_string(i) + " hide?";
        question.answers = {"secret" + std::to_string(i), "the word"};
        question.context = {i};
        question.related = {first + (i - first + 1) % 3, first + (i - first + 2) % 3};
        data.questions.push_back(question);
    }
    RulerInputs inputs;
    inputs.essays.emplace(essays, "essays.txt");
    inputs.squad = data;
    inputs.hotpotqa = data;
    return inputs;
}

inline RulerRequest ruler_request(std::string task, std::size_t length, std::size_t samples = 1) {
    RulerRequest request;
    request.task = std::move(task);
    request.length = length;
    request.samples = samples;
    return request;
}

inline Sample ruler_sample(const std::string & task, std::size_t length) {
    return ruler_samples(ruler_request(task, length), ruler_inputs(), count_pieces).at(0);
}

}  // namespace snapkv::eval::test
