// `snapkv make-model` from end to end.
#include <gtest/gtest.h>

#include "folder.h"
#include "process.h"

namespace snapkv::cli::test {
namespace {

TEST(MakeModel, WritesAModelThatRuns) {
    const Folder folder;
    const std::string file = folder.file("tiny.gguf");
    const Outcome made = run_snapkv({"make-model", "-o", file, "--type", "q8_0", "--layers", "1", "-s", "7"});
    EXPECT_EQ(made.status, 0) << made.err;
    EXPECT_EQ(made.out, "");
    EXPECT_NE(made.err.find("parameters"), std::string::npos) << made.err;
    const Outcome run = run_snapkv({"run", "-m", file, "-p", "some text", "-n", "4", "-t", "1"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.err.find("answer"), std::string::npos) << run.err;
}

TEST(MakeModel, ConstructsAModelThatCopies) {
    const Folder folder;
    const std::string file = folder.file("retrieval.gguf");
    const Outcome made =
        run_snapkv({"make-model", "-o", file, "--shape", "retrieval", "--vocab", SNAPKV_TEST_MODEL, "--suffix", "8"});
    EXPECT_EQ(made.status, 0) << made.err;
    const std::string prompt =
        "The first of these notes was written in the spring. The code of the safe is 4711. The second one was written "
        "in the autumn of the next year, and nobody has read it since. The code of the safe is";
    const Outcome run = run_snapkv({"run", "-m", file, "--raw", "-p", prompt, "-n", "6"});
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.out.substr(0, 6), " 4711.") << run.out;
}

TEST(MakeModel, OverwritesOnlyWhenToldTo) {
    const Folder folder;
    const std::string file = folder.write("tiny.gguf", "GGUF, precious");
    const Outcome refused = run_snapkv({"make-model", "-o", file});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("--force"), std::string::npos) << refused.err;
    EXPECT_EQ(contents(file), "GGUF, precious");
    EXPECT_EQ(run_snapkv({"make-model", "-o", file, "--force"}).status, 0);
    const std::string bytes = contents(file);
    EXPECT_TRUE(bytes.starts_with("GGUF"));
    EXPECT_EQ(run_snapkv({"make-model", "-o", file, "--force"}).status, 0);
    EXPECT_TRUE(contents(file) == bytes);
}

TEST(MakeModel, RefusesWhatCannotBe) {
    const Folder folder;
    const auto error = [&](const std::vector<std::string> & rest, int status) {
        std::vector<std::string> arguments{"make-model"};
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        const Outcome outcome = run_snapkv(arguments);
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_EQ(outcome.err_lines().size(), 1U) << outcome.err;
        return outcome.err;
    };
    const std::string file = folder.file("model.gguf");
    EXPECT_NE(error({}, 2).find("no file"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--shape", "giant"}, 2).find("giant"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--type", "q9"}, 2).find("q9"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--shape", "smollm2-135m", "--type", "q4_k"}, 2).find("256"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--vocab", folder.file("none")}, 1).find("none"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--suffix", "16"}, 2).find("--shape retrieval"), std::string::npos);
    EXPECT_NE(error({"-o", file, "--shape", "retrieval"}, 2).find("--vocab"), std::string::npos);
    const std::vector<std::string> constructed{"-o", file, "--shape", "retrieval", "--vocab", SNAPKV_TEST_MODEL};
    const auto with = [&](const std::vector<std::string> & rest) {
        std::vector<std::string> all = constructed;
        all.insert(all.end(), rest.begin(), rest.end());
        return error(all, 2);
    };
    EXPECT_NE(with({"--suffix", "33"}).find("4 to 32"), std::string::npos);
    EXPECT_NE(with({"--type", "q8_0"}).find("f16, f32"), std::string::npos);
    EXPECT_NE(with({"--layers", "2"}).find("--layers"), std::string::npos);
    EXPECT_NE(with({"--seed", "2"}).find("random"), std::string::npos);
    EXPECT_NE(error({"-o", folder.file("no/such")}, 1).find("no/such"), std::string::npos);
    EXPECT_EQ(folder.entries(), 0U);
}

}  // namespace
}  // namespace snapkv::cli::test
