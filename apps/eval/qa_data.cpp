#include "eval/qa_data.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "eval/fail.h"
#include "eval/json_fault.h"
#include "eval/not_text.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

/// A value of a JSON file that knows its place there. It and those above it outlive what is reached through it.
class Field {
public:
    Field(const nlohmann::json & value, const std::string & file) : value_(value), file_(file) {}

    [[nodiscard]] Field at(const char * key) const {
        if (!value_.is_object()) {
            fail("an object");
        }
        const auto found = value_.find(key);
        if (found == value_.end()) {
            input_error("{}: {}: the field \"{}\" is missing", file_, path(), key);
        }
        return {*found, *this, key, 0};
    }
    [[nodiscard]] Field at(std::size_t index) const { return {value_[index], *this, nullptr, index}; }
    [[nodiscard]] bool has(const char * key) const { return value_.is_object() && value_.contains(key); }

    [[nodiscard]] std::size_t list_size() const {
        if (!value_.is_array()) {
            fail("a list");
        }
        return value_.size();
    }
    [[nodiscard]] const std::string & text_or_none() const {
        if (!value_.is_string()) {
            fail("a string");
        }
        return value_.get_ref<const std::string &>();
    }
    [[nodiscard]] const std::string & text() const {
        if (text_or_none().empty()) {
            fail("a non-empty string");
        }
        return text_or_none();
    }
    [[nodiscard]] bool truth() const {
        if (!value_.is_boolean()) {
            fail("true or false");
        }
        return value_.get<bool>();
    }
    [[noreturn]] void fail(const char * expected) const {
        const bool empty = value_.is_string() ? text_or_none().empty() : value_.is_structured() && value_.empty();
        const char * const article = empty                                     ? "an empty "
                                     : value_.is_null()                        ? ""
                                     : value_.is_array() || value_.is_object() ? "an "
                                                                               : "a ";
        input_error("{}: {}: found {}{}, expected {}", file_, path(), article, value_.type_name(), expected);
    }

private:
    Field(const nlohmann::json & value, const Field & parent, const char * key, std::size_t index)
        : value_(value), file_(parent.file_), parent_(&parent), key_(key), index_(index) {}

    [[nodiscard]] std::string path() const {
        if (parent_ == nullptr) {
            return "top";
        }
        return parent_->path() + (key_ != nullptr ? fmt::format(".{}", key_) : fmt::format("[{}]", index_));
    }

    const nlohmann::json & value_;
    const std::string & file_;
    const Field * parent_ = nullptr;
    const char * key_ = nullptr;
    std::size_t index_ = 0;
};

nlohmann::json parse(const std::filesystem::path & path) {
    const std::string text = read_text_file(path);
    if (text.empty()) {
        input_error("{}: is empty, expected JSON", path.string());
    }
    if (const std::size_t bad = find_ill_formed(text); bad != std::string::npos) {
        input_error("{}: not valid JSON: byte {} is not UTF-8", path.string(), bad + 1);
    }
    try {
        return nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error & error) {
        input_error("{}: not valid JSON: byte {}: {}", path.string(), error.byte, json_fault(error));
    } catch (const nlohmann::json::out_of_range &) {
        input_error("{}: not valid JSON: a number is out of range", path.string());
    }
}

/// Paragraphs as they are met; sorted at the end, so that what is drawn depends on them and not on the file's order.
class Collection {
public:
    std::size_t add(std::string text) {
        const auto [place, added] = numbers_.try_emplace(std::move(text), numbers_.size());
        return place->second;
    }

    /// The paragraphs into `data`, whose questions have the numbers of add().
    void finish(QaData & data) {
        std::vector<std::size_t> rank(numbers_.size());
        std::vector<std::pair<std::string, std::size_t>> sorted(numbers_.begin(), numbers_.end());
        std::sort(sorted.begin(), sorted.end());
        for (auto & [text, number] : sorted) {
            rank[number] = data.paragraphs.size();
            data.paragraphs.push_back(std::move(text));
        }
        for (QaData::Question & question : data.questions) {
            for (std::vector<std::size_t> * list : {&question.context, &question.related}) {
                std::transform(list->begin(), list->end(), list->begin(),
                               [&](std::size_t number) { return rank[number]; });
            }
        }
        if (data.questions.empty()) {
            input_error("{}: found no question that has an answer, expected at least one", data.name);
        }
    }

private:
    std::unordered_map<std::string, std::size_t> numbers_;
};

/// What is in `list` and not in `taken`, each once, in order.
std::vector<std::size_t> once(const std::vector<std::size_t> & list, std::vector<std::size_t> taken) {
    std::vector<std::size_t> result;
    for (const std::size_t number : list) {
        if (std::find(taken.begin(), taken.end(), number) == taken.end()) {
            result.push_back(number);
            taken.push_back(number);
        }
    }
    return result;
}

std::vector<std::string> squad_answers(const Field & list) {
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < list.list_size(); ++i) {
        const Field answer = list.at(i);
        std::string text = answer.at("text").text();
        if (std::find(answers.begin(), answers.end(), text) == answers.end()) {
            answers.push_back(std::move(text));
        }
    }
    if (answers.empty()) {
        list.fail("a list of at least one answer");
    }
    return answers;
}

void add_squad_questions(const Field & list, std::size_t context, const std::vector<std::size_t> & article,
                         QaData & data) {
    for (std::size_t i = 0; i < list.list_size(); ++i) {
        const Field item = list.at(i);
        if (item.has("is_impossible") && item.at("is_impossible").truth()) {
            continue;
        }
        QaData::Question question;
        question.text = item.at("question").text();
        question.answers = squad_answers(item.at("answers"));
        question.context = {context};
        question.related = once(article, question.context);
        data.questions.push_back(std::move(question));
    }
}

void add_squad_article(const Field & paragraphs, Collection & collection, QaData & data) {
    std::vector<std::size_t> article;
    for (std::size_t i = 0; i < paragraphs.list_size(); ++i) {
        const Field paragraph = paragraphs.at(i);
        article.push_back(collection.add(paragraph.at("context").text()));
    }
    for (std::size_t i = 0; i < paragraphs.list_size(); ++i) {
        const Field paragraph = paragraphs.at(i);
        add_squad_questions(paragraph.at("qas"), article[i], article, data);
    }
}

/// A pair of title and sentences.
std::string hotpotqa_paragraph(const Field & pair) {
    if (pair.list_size() != 2) {
        pair.fail("a list of a title and a list of sentences");
    }
    std::string text = pair.at(std::size_t{0}).text() + "\n";
    const Field sentences = pair.at(std::size_t{1});
    for (std::size_t i = 0; i < sentences.list_size(); ++i) {
        text += sentences.at(i).text_or_none();
    }
    return text;
}

QaData::Question hotpotqa_question(const Field & item, Collection & collection) {
    QaData::Question question;
    question.text = item.at("question").text();
    question.answers = {item.at("answer").text()};
    const Field context = item.at("context");
    for (std::size_t i = 0; i < context.list_size(); ++i) {
        question.context.push_back(collection.add(hotpotqa_paragraph(context.at(i))));
    }
    if (question.context.empty()) {
        context.fail("a list of at least one paragraph");
    }
    question.context = once(question.context, {});
    return question;
}

}  // namespace

QaData read_squad(const std::filesystem::path & file) {
    QaData data;
    data.name = file.string();
    const nlohmann::json json = parse(file);
    const Field top(json, data.name);
    const Field articles = top.at("data");
    Collection collection;
    for (std::size_t i = 0; i < articles.list_size(); ++i) {
        const Field article = articles.at(i);
        add_squad_article(article.at("paragraphs"), collection, data);
    }
    collection.finish(data);
    return data;
}

QaData read_hotpotqa(const std::filesystem::path & file) {
    QaData data;
    data.name = file.string();
    const nlohmann::json json = parse(file);
    const Field top(json, data.name);
    Collection collection;
    for (std::size_t i = 0; i < top.list_size(); ++i) {
        const Field item = top.at(i);
        data.questions.push_back(hotpotqa_question(item, collection));
    }
    collection.finish(data);
    return data;
}

}  // namespace snapkv::eval
