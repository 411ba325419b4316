#include <fmt/core.h>

#include <algorithm>
#include <cassert>

#include "eval/ruler_prompt.h"

namespace snapkv::eval {
namespace {

/// `count` paragraphs that the question does not need: of its article first, then any, then these once more.
std::vector<std::size_t> distractors(const QaData & data, const QaData::Question & question, std::size_t count,
                                     Random & random) {
    std::vector<std::size_t> list = question.related;
    random.shuffle(list);
    std::vector<std::size_t> own = question.context;
    own.insert(own.end(), list.begin(), list.end());
    std::sort(own.begin(), own.end());
    DistinctNumbers others(data.paragraphs.size());
    while (list.size() < count && others.left() > 0) {
        const std::size_t number = others.draw(random);
        if (!std::binary_search(own.begin(), own.end(), number)) {
            list.push_back(number);
        }
    }
    const std::size_t different = list.size();
    assert(different > 0 || count == 0);
    while (list.size() < count) {
        list.push_back(list[list.size() - different]);
    }
    list.resize(count);
    return list;
}

std::string context_of(const QaData & data, const std::vector<std::size_t> & paragraphs) {
    std::string context;
    for (std::size_t i = 0; i < paragraphs.size(); ++i) {
        context += fmt::format("{}Document {}:\n{}", i == 0 ? "" : "\n\n", i + 1, data.paragraphs[paragraphs[i]]);
    }
    return context;
}

}  // namespace

RulerMaker qa_maker(const QaData & data, std::size_t question, const Random & random) {
    const QaData::Question & asked = data.questions[question];
    RulerMaker maker;
    maker.make = [&data, &asked, random](std::size_t units) {
        constexpr std::string_view order =
            "Answer the question based on the given documents. Only give me the answer and do not output any other "
            "words.";
        Random draws = random;
        std::vector<std::size_t> paragraphs = distractors(data, asked, units - asked.context.size(), draws);
        paragraphs.insert(paragraphs.end(), asked.context.begin(), asked.context.end());
        draws.shuffle(paragraphs);
        RulerPrompt prompt;
        prompt.document =
            fmt::format("{}\n\nThe following are given documents.\n\n{}", order, context_of(data, paragraphs));
        prompt.question = fmt::format("\n\n{}\n\nQuestion: {}", order, asked.text);
        prompt.answer_prefix = " Answer:";
        prompt.answers = asked.answers;
        return prompt;
    };
    maker.least = asked.context.size();
    maker.most = data.paragraphs.size() > asked.context.size() ? ruler_unlimited : asked.context.size();
    maker.unit = "paragraphs in " + data.name;
    return maker;
}

}  // namespace snapkv::eval
