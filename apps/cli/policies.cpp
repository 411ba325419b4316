// `snapkv policies`.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "commands.h"
#include "eval/variant.h"
#include "format.h"
#include "json.h"
#include "settings.h"
#include "snapkv/choice_names.h"
#include "snapkv/named_policy.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

std::string voters_text(const NamedPolicy & policy) {
    if (policy.evidence == Evidence::Accumulated) {
        return "all tokens";
    }
    const Voters & voters = policy.voters;
    if (voters.fixed()) {
        return voters.most == 0 ? "none" : count_text(voters.most, "last token");
    }
    std::string text = fmt::format("the question, {} to {}", voters.fewest, voters.most);
    return voters.of_free_text == voters.fewest ? text : text + fmt::format(" ({} without one)", voters.of_free_text);
}

std::string recent_text(const RecentRows & recent) {
    switch (recent.rule) {
        case RecentRows::Rule::Window:
            return "the voters'";
        case RecentRows::Rule::Question:
            return fmt::format("the question, {} or more", recent.rows);
        case RecentRows::Rule::Half:
            return "half of the budget";
        case RecentRows::Rule::Rest:
            return "the budget but for the sinks";
        case RecentRows::Rule::Fixed:
            break;
    }
    return fmt::format("{}", recent.rows);
}

Json policy_json(const NamedPolicy & policy) {
    Json json;
    json["name"] = policy.name;
    json["source"] = policy.source.empty() ? Json(nullptr) : Json(fmt::format("arXiv {}", policy.source));
    json["keeps"] = policy.keeps;
    json["cost"] = policy.cost;
    json["decides"] = "at the prompt's end";
    json["evicts_while_generating"] = policy.evicts_while_generating;
    if (policy.policy != Policy::Full) {
        json["evidence"] = name_of(policy.evidence);
        json["group"] = name_of(policy.group);
        json["cluster"] = eval::cluster_text(policy.cluster);
        json["allocation"] = name_of(policy.allocation);
        json["voters"] = voters_text(policy);
        json["recent"] = recent_text(policy.recent);
        json["sink"] = policy.sink;
    }
    return json;
}

void print_policy(const NamedPolicy & policy) {
    constexpr std::size_t columns = 100;
    constexpr std::size_t margin = 14;
    const auto line = [](std::string_view label, const std::string & text) {
        print("  {:<11} {}\n", label, wrapped(text, columns, margin));
    };
    print("{}{}{}\n", policy.name, policy.evicts_while_generating ? " *" : "",
          policy.source.empty() ? "" : fmt::format("  (arXiv {})", policy.source));
    line("keeps", std::string(policy.keeps));
    line("cost", std::string(policy.cost));
    if (policy.policy != Policy::Full) {
        line("chooses",
             fmt::format("evidence {}, group {}, cluster {}, allocation {}; voters: {}; recent rows: {}; "
                         "sinks: {}",
                         name_of(policy.evidence), name_of(policy.group), eval::cluster_text(policy.cluster),
                         name_of(policy.allocation), voters_text(policy), recent_text(policy.recent), policy.sink));
    }
}

}  // namespace

int policies(const Settings & settings) {
    if (settings.json) {
        Json json = Json::array();
        for (const NamedPolicy & policy : named_policies()) {
            json.push_back(policy_json(policy));
        }
        print_json(json);
    } else {
        for (const NamedPolicy & policy : named_policies()) {
            print_policy(policy);
        }
        print(
            "\nThose marked * go on evicting while they generate, by their authors' rule (--kv-evict off ends that); "
            "the "
            "others\ndecide once, at the prompt's end.\n");
    }
    finish_standard_output();
    return status_ok;
}

}  // namespace snapkv::cli
