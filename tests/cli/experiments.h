#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "folder.h"
#include "process.h"

namespace snapkv::cli::test {

/// `snapkv eval` and `snapkv observe` on a tiny model and a text of 40 sentences, with results in a folder that each
/// test finds empty.
class Experiments : public testing::Test {
protected:
    Experiments() : model_(folder_.file("tiny.gguf")), out_(folder_.file("out")) {
        EXPECT_EQ(run_snapkv({"make-model", "-o", model_, "--layers", "2"}).status, 0);
        std::string text;
        for (int i = 0; i < 40; ++i) {
            text += "The boat came on day " + std::to_string(i) + " with oil. ";
        }
        text_ = folder_.write("text.txt", text);
    }
    [[nodiscard]] Outcome run(std::vector<std::string> arguments, const std::vector<std::string> & rest) const {
        for (const std::string & each : {std::string("-m"), model_, std::string("-t"), std::string("1"),
                                         std::string("--raw"), std::string("-o"), out_}) {
            arguments.push_back(each);
        }
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        return run_snapkv(arguments);
    }
    [[nodiscard]] Outcome fidelity(const std::string & budgets) const {
        return run({"eval", "fidelity"}, {"-f", text_, "--lengths", "200", "--samples", "2", "-n", "6", "--budgets",
                                          budgets, "--kv-window", "8"});
    }
    [[nodiscard]] std::size_t journal_lines() const {
        const std::string journal = contents(out_ + "/results.jsonl");
        return static_cast<std::size_t>(std::count(journal.begin(), journal.end(), '\n'));
    }

    Folder folder_;
    std::string model_;
    std::string out_;
    std::string text_;
};

}  // namespace snapkv::cli::test
