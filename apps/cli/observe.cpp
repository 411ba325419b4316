// `snapkv observe`.
#include <algorithm>
#include <cmath>

#include "commands.h"
#include "engine.h"
#include "eval/missed_report.h"
#include "eval/observe_report.h"
#include "eval/observing.h"
#include "experiment_folder.h"
#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "numbers.h"
#include "progress.h"
#include "prompts.h"
#include "status.h"
#include "words.h"

namespace snapkv::cli {
namespace {

/// Ends an interrupted run.
struct Stopped {};

/// Whether every layer that attends has its record: an earlier run may have ended between two of them.
bool is_complete(const eval::Journal & journal, const ModelInfo & model) {
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        if (!model.attention[layer].recurs && !journal.has(eval::layer_key(layer))) {
            return false;
        }
    }
    return true;
}

class Observing {
public:
    Observing(const Settings & settings, Session & session, std::string document)
        : settings_(settings),
          observe_(settings.observe),
          session_(session),
          model_(session.model().info()),
          document_(std::move(document)) {}

    /// The records of all layers.
    [[nodiscard]] std::vector<eval::Json> records() {
        switch (observe_.what) {
            case Observation::Windows:
                return layers([study = hit_rate(prompt(0), observe_.windows), this](std::uint32_t layer) {
                    return eval::windows_record(study, layer, model_.heads);
                });
            case Observation::Generation:
                return layers([study = hit_rate(prompt(0), 1), this](std::uint32_t layer) {
                    return eval::generation_record(study, layer, model_.heads);
                });
            case Observation::Instructions:
                return layers(
                    [sets = selected_sets()](std::uint32_t layer) { return eval::instructions_record(sets, layer); });
            case Observation::Position:
                return layers(
                    [after = hit_rate(prompt(0), 1), before = hit_rate(turned_prompt(), 1), this](std::uint32_t layer) {
                        return eval::position_record(after, before, layer, model_.heads);
                    });
            case Observation::Missed:
                return layers([study = missed(), this](std::uint32_t layer) {
                    return eval::missed_record(study, layer, model_.heads);
                });
            case Observation::Budget:
                break;
        }
        return layers([study = mass(), this](std::uint32_t layer) {
            return eval::mass_record(study, layer, model_.heads, observe_.budgets.size());
        });
    }

private:
    template <typename Record>
    [[nodiscard]] std::vector<eval::Json> layers(const Record & record) const {
        std::vector<eval::Json> list;
        for (std::uint32_t layer = 0; layer < model_.layers; ++layer) {
            if (!model_.attention[layer].recurs) {  // which attends to nothing
                list.push_back(record(layer));
            }
        }
        return list;
    }

    [[nodiscard]] Prompt made(const std::string & document, const std::string & question) const {
        return settings_.raw ? session_.model().raw_prompt(document, question)
                             : session_.model().chat_prompt(document, question);
    }
    [[nodiscard]] Prompt prompt(std::size_t question) const {
        return made(document_, settings_.questions.empty() ? std::string() : settings_.questions[question]);
    }
    /// The instruction first, then the document.
    [[nodiscard]] Prompt turned_prompt() const {
        if (settings_.questions.empty()) {
            usage_error("position needs an instruction (-q)");
        }
        return made(settings_.questions.front() + "\n\n" + document_, "");
    }

    /// The prompts, each with its answer.
    [[nodiscard]] std::vector<std::vector<Token>> answered(std::span<const Prompt> prompts) {
        std::uint32_t most = observe_.generate;
        for (const Prompt & prompt : prompts) {
            // What is generated is read as a prompt in its turn, which leaves room for one token too.
            if (prompt.tokens.size() + 1 >= session_.context()) {
                input_error("a prompt of {} leaves no room for an answer in a context of {}",
                            count_text(prompt.tokens.size(), "token"), count_text(session_.context()));
            }
            most = std::min(most, static_cast<std::uint32_t>(session_.context() - 1 - prompt.tokens.size()));
        }
        ProgressLine line;
        auto texts = eval::continued(session_, prompts, most, drawer(line));
        if (!texts) {
            throw Stopped();
        }
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            const std::size_t generated = (*texts)[i].size() - prompts[i].tokens.size();
            if (generated == 0) {
                input_error("the model ends its answer at once, so there is nothing to observe (try another -q)");
            }
            note("{} to observe, {} of them generated", count_text((*texts)[i].size(), "token"), generated);
        }
        return std::move(*texts);
    }

    void look(std::span<const std::vector<Token>> texts, std::span<const Observer> observers) {
        ProgressLine line;
        if (!eval::look(session_, texts, observers, drawer(line))) {
            throw Stopped();
        }
    }

    /// How many positions of a prefix the first budget selects beside its window.
    [[nodiscard]] Selection selection(const Budget & budget, std::uint32_t prefix) const {
        if (settings_.cache.group == GroupReduce::Layer) {
            usage_error("--kv-group is layer, and observe selects for each KV head; expected mean, max or sum");
        }
        if (budget.unit == Budget::Unit::Mass) {
            usage_error("--budgets: found {}, and observe selects a number of rows; expected one or a percentage",
                        budget_text(budget));
        }
        double count =
            budget.unit == Budget::Unit::Percent ? budget.value / 100 * prefix : budget.value - observe_.window;
        if (count < 1) {
            usage_error("--budgets: {} leaves no rows besides a window of {} (--kv-window)", budget_text(budget),
                        observe_.window);
        }
        count = std::min(std::floor(count), static_cast<double>(prefix));
        return {static_cast<std::uint32_t>(count), settings_.cache.cluster.value_or(Cluster{}),
                settings_.cache.group.value_or(GroupReduce::Mean)};
    }

    [[nodiscard]] eval::HitRate hit_rate(const Prompt & prompt, std::uint32_t windows) {
        const std::vector<std::vector<Token>> texts = answered({&prompt, 1});
        eval::HitRateConfig config;
        config.prompt = static_cast<std::uint32_t>(prompt.tokens.size());
        config.windows = windows;
        config.window = observe_.window;
        config.generated = static_cast<std::uint32_t>(texts.front().size()) - config.prompt;
        config.generated_window = observe_.window;
        config.threshold = observe_.threshold;
        eval::HitRate study(config, model_);  // refuses windows that leave no prefix
        study.select(selection(observe_.budgets.front(), config.prefix()));
        const Observer observer = study.observer();
        look(texts, {&observer, 1});
        return study;
    }

    [[nodiscard]] std::vector<eval::SelectedSets> selected_sets() {
        if (settings_.questions.size() < 2) {
            usage_error("instructions needs at least two instructions (-q, -q, ...)");
        }
        std::vector<Prompt> prompts;
        for (std::size_t i = 0; i < settings_.questions.size(); ++i) {
            prompts.push_back(prompt(i));
        }
        const std::vector<std::vector<Token>> texts = answered(prompts);
        const auto document = static_cast<std::uint32_t>(prompts.front().document_end);
        std::vector<eval::SelectedSets> sets;
        for (const std::vector<Token> & text : texts) {
            sets.emplace_back(document, static_cast<std::uint32_t>(text.size()),
                              selection(observe_.budgets.front(), document), model_);
        }
        std::vector<Observer> observers;
        std::transform(sets.begin(), sets.end(), std::back_inserter(observers),
                       [](eval::SelectedSets & each) { return each.observer(); });
        look(texts, observers);
        return sets;
    }

    /// The first prompt with its answer, looked at by a study that `make` makes of its parts.
    template <typename Make>
    [[nodiscard]] auto seen(const Make & make) {
        const Prompt whole = prompt(0);
        const std::vector<std::vector<Token>> texts = answered({&whole, 1});
        const auto length = static_cast<std::uint32_t>(whole.tokens.size());
        auto study = make(
            eval::PromptAndAnswer{length, observe_.window, static_cast<std::uint32_t>(texts.front().size()) - length});
        const Observer observer = study.observer();
        look(texts, {&observer, 1});
        return study;
    }

    [[nodiscard]] eval::AttentionMass mass() {
        return seen([this](const eval::PromptAndAnswer & text) {
            eval::AttentionMassConfig config{.text = text, .selections = {}};
            for (const Budget & budget : observe_.budgets) {
                config.selections.push_back(selection(budget, text.prefix()));
            }
            return eval::AttentionMass(config, model_);
        });
    }

    [[nodiscard]] eval::MissedAttention missed() {
        return seen([this](const eval::PromptAndAnswer & text) {
            return eval::MissedAttention({text, selection(observe_.budgets.front(), text.prefix())}, model_);
        });
    }

    const Settings & settings_;
    const ObserveSettings & observe_;
    Session & session_;
    const ModelInfo & model_;
    std::string document_;
};

eval::PicturedReport report_of(const Settings & settings, std::span<const eval::Json> records) {
    switch (settings.observe.what) {
        case Observation::Windows:
            return eval::windows_report(records);
        case Observation::Generation:
            return eval::generation_report(records);
        case Observation::Instructions:
            return eval::instructions_report(records, settings.questions);
        case Observation::Position:
            return eval::position_report(records);
        case Observation::Missed:
            return eval::missed_report(records);
        case Observation::Budget:
            break;
    }
    std::vector<std::string> budgets;
    std::transform(settings.observe.budgets.begin(), settings.observe.budgets.end(), std::back_inserter(budgets),
                   budget_text);
    return eval::mass_report(records, budgets);
}

}  // namespace

int observe(const Settings & settings) {
    if (!settings.has("WHAT")) {
        usage_error("no observation given: expected one of {} (see snapkv observe --help)",
                    fmt::join(word_list(observation_words), ", "));
    }
    if (settings.observe.what != Observation::Budget && settings.observe.budgets.size() > 1) {
        usage_error("--budgets accepts a list only with `budget`");
    }
    if (settings.observe.what != Observation::Instructions && settings.questions.size() > 1) {
        usage_error("-q is given {} times; only `instructions` accepts several", settings.questions.size());
    }
    const std::string name = to_word(observation_words, settings.observe.what);
    const Document document = settings.files.empty() ? Document{} : read_sources(settings);
    const std::string & text = required_text(document, name);
    watch_interrupts();
    const Model model = load_model(settings);
    const std::uint32_t context = settings.context != 0 ? settings.context : model.info().trained_context;
    Session session = make_session(model, settings, context);
    ExperimentFolder folder(settings, "observe-" + name, model, document);
    eval::Journal & journal = folder.journal();
    if (!is_complete(journal, model.info())) {
        try {
            for (eval::Json & record : Observing(settings, session, text).records()) {
                if (!journal.has(record["key"].get<std::string>())) {
                    journal.add(std::move(record));
                }
            }
        } catch (const Stopped &) {
            note("interrupted before there was anything to show");
            return interrupted_status();
        }
    }
    folder.write(report_of(settings, journal.records()));
    return status_ok;
}

}  // namespace snapkv::cli
