// What a run writes never takes the place of what it reads, of what it writes elsewhere, or of a file of another kind.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "folder.h"
#include "options.h"
#include "shell.h"

namespace snapkv::cli::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Outputs : public testing::Test {
protected:
    Outputs() {
        EXPECT_EQ(run_snapkv({"make-model", "-o", model_, "--layers", "1"}).status, 0);
        std::filesystem::create_symlink("tiny.gguf", folder_.file("link.gguf"));
        std::filesystem::create_hard_link(model_, folder_.file("hard.gguf"));
    }
    [[nodiscard]] Outcome run(std::vector<std::string> arguments) const {
        const std::string command = arguments.front();
        arguments.erase(arguments.begin());
        std::vector<std::string> all{command, "-m", model_, "-t", "1", "--raw"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        return run_snapkv(all);
    }
    /// Runs, and expects one line of wrong usage with this in it. The file stays as it is.
    void refused(const std::vector<std::string> & arguments, const std::string & file, const std::string & part) const {
        const std::string before = contents(file);
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.status, 2) << outcome.err;
        ASSERT_FALSE(outcome.err_lines().empty());
        EXPECT_THAT(outcome.err_lines().back(), HasSubstr(part));  // behind warnings
        EXPECT_TRUE(contents(file) == before) << file;
    }

    Folder folder_;
    std::string model_ = folder_.file("tiny.gguf");
    std::string text_ = folder_.write("text.txt", "The boat came on Monday with oil, and on Tuesday with salt.");
};

TEST_F(Outputs, AreNeverInputsOfTheSameRun) {
    for (const std::string name : {"tiny.gguf", "link.gguf", "hard.gguf", "./tiny.gguf"}) {
        const std::string file = folder_.file(name);
        for (const std::string option : {"--save-kv", "--dump-kept"}) {
            refused({"run", "-f", text_, option, file}, model_,
                    fmt::format("{} {}: is the same file as --model {}, which this run reads", option, file, model_));
        }
        refused({"show", "-f", text_, "--html", file}, model_, "the same file as --model");
    }
    for (const std::string option : {"--save-kv", "--dump-kept"}) {
        refused({"run", "-f", text_, option, text_}, text_, "the same file as --file " + text_);
        refused({"run", "-f", text_, option, text_, "--dry-run"}, text_, "the same file as --file " + text_);
    }
    refused({"show", "-f", text_, "--html", text_}, text_, "the same file as --file " + text_);
    const std::string cache = folder_.file("a.kv");
    ASSERT_EQ(run({"run", "-f", text_, "-n", "0", "--save-kv", cache}).status, 0);
    refused({"run", "--load-kv", cache, "--dump-kept", cache}, cache, "the same file as --load-kv " + cache);
}

TEST_F(Outputs, AreNotThePartsOfASplitModelEither) {
    const std::string first = folder_.file("big-00001-of-00002.gguf");
    const std::string second = folder_.write("big-00002-of-00002.gguf", "GGUF");
    const Outcome outcome =
        run_snapkv({"make-model", "--shape", "retrieval", "--vocab", first, "-o", second, "--force"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("the same file as --vocab " + second));
    EXPECT_EQ(contents(second), "GGUF");
}

TEST_F(Outputs, AreNotTheVocabulary) {
    const std::string before = contents(model_);
    const Outcome outcome = run_snapkv({"make-model", "--vocab", model_, "-o", folder_.file("link.gguf"), "--force"});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("the same file as --vocab " + model_));
    EXPECT_TRUE(contents(model_) == before);
}

TEST_F(Outputs, ASequenceGoesOnUnderItsOwnName) {
    const std::string cache = folder_.file("a.kv");
    ASSERT_EQ(run({"run", "-f", text_, "-n", "0", "--save-kv", cache}).status, 0);
    const std::string before = contents(cache);
    ASSERT_EQ(run({"run", "--load-kv", cache, "-n", "4", "--save-kv", cache}).status, 0);
    EXPECT_GT(contents(cache).size(), before.size());
    EXPECT_EQ(run({"run", "--load-kv", cache, "-n", "4"}).status, 0);
}

TEST_F(Outputs, EachHasAFileOfItsOwn) {
    const std::string both = folder_.file("both");
    refused({"run", "-f", text_, "--save-kv", both, "--dump-kept", both}, text_, "which this run also writes");
    EXPECT_FALSE(std::filesystem::exists(both));
    const Outcome outcome =
        run_shell(folder_, R"(cd "$here"; "$snapkv" run -m tiny.gguf -f text.txt --dump-kept kept.json > kept.json)");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("--dump-kept kept.json: is the same file as standard output"));
}

TEST_F(Outputs, StandardInputIsAnInput) {
    const Outcome outcome =
        run_shell(folder_, R"(cd "$here"; "$snapkv" run -m tiny.gguf --save-kv text.txt < text.txt)");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("--save-kv text.txt: is the same file as standard input"));
}

TEST_F(Outputs, StandardOutputIsNoInputEither) {
    const std::string before = contents(text_);
    for (const char * how : {"-f text.txt >> text.txt", "< text.txt >> text.txt"}) {
        const Outcome outcome =
            run_shell(folder_, std::string("cd \"$here\"; \"$snapkv\" run -m tiny.gguf --raw -n 1 ") + how);
        EXPECT_EQ(outcome.status, 2) << how;
        EXPECT_THAT(outcome.err, HasSubstr("standard output: is the same file as "));
        EXPECT_EQ(contents(text_), before);
    }
}

TEST_F(Outputs, ReplaceOnlyWhatTheProgramWrote) {
    for (const char * other : {"{\"settings\":{\"task\":\"needle\"}}\n", "{\"answers\":[]}", "[1, 2]"}) {
        const std::string file = folder_.write("other.json", other);
        refused({"run", "-f", text_, "--dump-kept", file}, file, "not a list of kept positions");
    }
    for (const char * other : {"<!DOCTYPE html>\n<title>My page</title>", "<html></html>"}) {
        const std::string file = folder_.write("other.html", other);
        refused({"show", "-f", text_, "--html", file}, file, "not a page that show wrote");
    }
}

TEST_F(Outputs, ReplaceOnlyFilesOfTheirKind) {
    const std::string notes = folder_.write("notes.txt", "Notes of many years.");
    refused({"run", "-f", text_, "--save-kv", notes}, notes, notes + ": already exists and is not a saved cache");
    refused({"run", "-f", text_, "--dump-kept", notes}, notes,
            notes + ": already exists and is not a list of kept positions");
    refused({"show", "-f", text_, "--html", notes}, notes,
            notes + ": already exists and is not a page that show wrote");
    const Outcome model = run_snapkv({"make-model", "-o", notes, "--force"});
    EXPECT_EQ(model.status, 2);
    EXPECT_THAT(model.err, HasSubstr(notes + ": already exists and is not a GGUF model"));
    EXPECT_EQ(contents(notes), "Notes of many years.");

    const std::string other = folder_.file("other.gguf");
    std::filesystem::copy_file(model_, other);
    refused({"run", "-f", text_, "--save-kv", other}, other, "not a saved cache");
}

TEST_F(Outputs, ReplaceThoseOfTheirKindAndEmptyOnes) {
    for (int again = 0; again < 2; ++again) {
        EXPECT_EQ(run({"run", "-f", text_, "-n", "0", "--save-kv", folder_.file("a.kv"), "--dump-kept",
                       folder_.file("kept.json")})
                      .status,
                  0);
        EXPECT_EQ(run({"run", "-f", text_, "-q", "Why?", "-q", "When?", "-n", "0", "--dump-kept",
                       folder_.file("several.json")})
                      .status,
                  0);
        EXPECT_EQ(run({"show", "-f", text_, "--html", folder_.file("page.html")}).status, 0);
    }
    const std::string empty = folder_.write("empty", "");
    EXPECT_EQ(run({"run", "-f", text_, "-n", "0", "--save-kv", empty}).status, 0);
    EXPECT_THAT(contents(empty), StartsWith("SNAPKV"));
    EXPECT_EQ(run({"run", "-f", text_, "-n", "0", "--dump-kept", "/dev/null"}).status, 0);
}

TEST_F(Outputs, AnExperimentHasAFolderOfItsOwn) {
    const std::string report = folder_.write("report.md", "The report of the year.");
    const std::vector<std::string> fidelity{
        "eval", "fidelity", "-f",        text_, "--lengths",   "12", "--samples", "1",
        "-n",   "2",        "--budgets", "8",   "--kv-window", "2",  "-o",        folder_.file("")};
    std::vector<std::string> arguments{"eval", "fidelity", "-m", model_, "-t", "1", "--raw"};
    arguments.insert(arguments.end(), fidelity.begin() + 2, fidelity.end());
    const Outcome outcome = run_snapkv(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_THAT(outcome.err,
                HasSubstr("report.md: already exists, but there is no results.jsonl from an earlier run beside it"));
    EXPECT_EQ(contents(report), "The report of the year.");
    EXPECT_FALSE(std::filesystem::exists(folder_.file("results.jsonl")));

    // An empty results.jsonl is no earlier run's.
    (void)folder_.write("results.jsonl", "");
    EXPECT_EQ(run_snapkv(arguments).status, 2);
    std::filesystem::remove(report);
    const std::string picture = folder_.write("grid1.svg", "<svg/>");
    const Outcome drawn = run_snapkv(arguments);
    EXPECT_EQ(drawn.status, 2) << drawn.err;
    EXPECT_THAT(drawn.err, HasSubstr("grid1.svg: already exists, but there is no results.jsonl"));
    EXPECT_EQ(contents(picture), "<svg/>");
    std::filesystem::remove(picture);
    for (int again = 0; again < 2; ++again) {
        const Outcome written = run_snapkv(arguments);
        EXPECT_EQ(written.status, 0) << written.err;
    }

    const std::string data = folder_.file("data");
    std::filesystem::create_directory(data);
    (void)folder_.write("data/ruler.jsonl", R"({"input": "The code is 5.", "outputs": ["5"], "index": 0})"
                                            "\n");
    const Outcome mixed =
        run_snapkv({"eval", "ruler", "-m", model_, "-t", "1", "--raw", "--data", data, "-n", "2", "-o", data + "/."});
    EXPECT_EQ(mixed.status, 2) << mixed.err;
    EXPECT_THAT(mixed.err, HasSubstr("is also the folder of --data, which this run reads; choose another folder"));
}

// Every option of a file says whether it is read or written, so that none is forgotten above.
TEST(OutputOptions, NameTheirFiles) {
    std::size_t outputs = 0;
    for (const Option & option : options()) {
        EXPECT_EQ(option.names_files(), option.paths != nullptr) << option.long_name();
        const bool like_a_file =
            option.words.empty() &&
            (option.placeholder.starts_with("FILE") || option.placeholder == "OUT" || option.placeholder == "FOLDER" ||
             option.placeholder == "PATH" || option.placeholder == "MODEL");
        EXPECT_EQ(option.names_files(), like_a_file) << option.long_name();
        outputs += option.names_files() && option.files != Files::Input ? 1U : 0U;
    }
    EXPECT_EQ(outputs, 6U);  // --save-kv, --snapshots, --dump-kept, --html, -o of make-model and of the experiments
}

}  // namespace
}  // namespace snapkv::cli::test
