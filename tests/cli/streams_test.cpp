// Standard streams that are closed, full or read by nobody; signals; limits: what is to be saved is saved all the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "interrupt.h"
#include "shell.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A folder with a tiny model and a text in it.
class Streams : public testing::Test {
protected:
    Streams() {
        EXPECT_EQ(run_snapkv({"make-model", "-o", folder_.file("tiny.gguf"), "--layers", "2"}).status, 0);
        std::string text;
        for (int i = 0; i < 40; ++i) {
            text += "The boat came on day " + std::to_string(i) + " with oil. ";
        }
        (void)folder_.write("text.txt", text);
    }
    /// "run" and "fidelity" are functions of the script that give the program what every run here has.
    [[nodiscard]] Outcome shell(const std::string & script) const {
        return run_shell(folder_, R"(
            cd "$here"
            run() { "$snapkv" run -m tiny.gguf -t 1 --raw "$@"; }
            fidelity() { "$snapkv" eval fidelity -m tiny.gguf -t 1 --raw -f text.txt --lengths 100 --samples 1 -n 4 \
                --budgets 32 --kv-window 8 -o out "$@"; }
            )" + script);
    }
    /// What the command ends with where nobody reads its standard output any more.
    [[nodiscard]] Outcome unread(const std::string & command) const {
        return shell(R"({ until [ -e closed ]; do sleep 0.01; done; rm closed; )" + command +
                     R"(; echo $? > status; } | { exec <&-; touch closed; until [ -e status ]; do sleep 0.01; done; }
            exit $(cat status))");
    }

    Folder folder_;
};

TEST_F(Streams, ThoseThatAreClosedGetNoFileInTheirPlace) {
    for (const char * closed : {"2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&-"}) {
        const Outcome first = shell(std::string("fidelity ") + closed);
        EXPECT_EQ(first.status, 0) << closed << first.err;
        EXPECT_THAT(contents(folder_.file("out/results.jsonl")), StartsWith("{\"settings\":")) << closed;
        EXPECT_THAT(contents(folder_.file("out/results.jsonl")), Not(HasSubstr("snapkv:"))) << closed;
        const Outcome second = shell("fidelity");
        EXPECT_EQ(second.status, 0) << closed << second.err;
        EXPECT_THAT(second.err, HasSubstr("resuming after 2 results")) << closed;
        std::filesystem::remove_all(folder_.file("out"));
    }
}

TEST_F(Streams, NotesThatCannotBeWrittenEndNothing) {
    for (const char * nowhere : {"2>/dev/full", "2>&-", "2> >(exec 0<&-)"}) {
        const Outcome outcome = shell(std::string("run -f text.txt -n 4 --json ") + nowhere);
        EXPECT_EQ(outcome.status, 0) << nowhere;
        EXPECT_EQ(Json::parse(outcome.out)["tokens"].size(), 4U) << nowhere;
    }
    // An error says what it can where it can; the status says it in any case.
    EXPECT_EQ(shell("run -f absent 2>/dev/full").status, 1);
}

TEST_F(Streams, AnAnswerThatNobodyReadsIsSavedAllTheSame) {
    ASSERT_EQ(shell("run -f text.txt -n 50 --save-kv whole.kv").status, 0);
    for (const char * format : {"", "--json"}) {
        const Outcome outcome =
            unread(std::string("run -f text.txt -n 50 --save-kv a.kv --dump-kept kept.json ") + format);
        EXPECT_EQ(outcome.status, 141) << outcome.err;
        EXPECT_THAT(outcome.err, Not(HasSubstr("error"))) << format;
        EXPECT_TRUE(Json::accept(contents(folder_.file("kept.json")))) << format;
        EXPECT_TRUE(contents(folder_.file("a.kv")) == contents(folder_.file("whole.kv"))) << format;
        const Outcome later = shell("run --load-kv a.kv -n 4 --json");
        EXPECT_EQ(later.status, 0) << later.err;
        std::filesystem::remove(folder_.file("a.kv"));
    }
}

TEST_F(Streams, AnAnswerOnAFullDiskIsSavedAllTheSame) {
    ASSERT_EQ(shell("run -f text.txt -n 50 --save-kv whole.kv").status, 0);
    for (const char * format : {"", "--json"}) {
        const Outcome outcome =
            shell(std::string("run -f text.txt -n 50 --save-kv a.kv --dump-kept kept.json > /dev/full ") + format);
        EXPECT_EQ(outcome.status, 1) << outcome.err;
        EXPECT_THAT(outcome.err, HasSubstr("error: standard output: cannot be written: No space left on device"));
        EXPECT_TRUE(Json::accept(contents(folder_.file("kept.json")))) << format;
        EXPECT_TRUE(contents(folder_.file("a.kv")) == contents(folder_.file("whole.kv"))) << format;
        const Outcome later = shell("run --load-kv a.kv -n 4 --json --save-kv a.kv");
        EXPECT_EQ(later.status, 0) << later.err;
        std::filesystem::remove(folder_.file("a.kv"));
    }
}

TEST_F(Streams, EveryCommandSaysByItsStatusThatItsOutputWasLost) {
    for (const char * command :
         {"\"$snapkv\" --help", "\"$snapkv\" --version", "\"$snapkv\" completion bash", "\"$snapkv\" docs",
          "\"$snapkv\" inspect tiny.gguf", "\"$snapkv\" inspect tiny.gguf --json",
          "\"$snapkv\" perplexity -m tiny.gguf -t 1 -c 32 -f text.txt",
          "\"$snapkv\" perplexity -m tiny.gguf -t 1 -c 32 -f text.txt --json",
          "\"$snapkv\" show -m tiny.gguf -t 1 --raw -f text.txt", "\"$snapkv\" bench -m tiny.gguf -t 1 -p 8 -n 0 -r 1",
          "\"$snapkv\" bench -m tiny.gguf -t 1 -p 8 -n 0 -r 1 -o json", "run -f text.txt -n 2 --dry-run --json",
          "fidelity"}) {
        const Outcome broken = unread(std::string(command) + " 2> err");
        EXPECT_EQ(broken.status, 141) << command << contents(folder_.file("err"));
        const Outcome full = shell(std::string(command) + " > /dev/full");
        EXPECT_EQ(full.status, 1) << command << full.err;
        EXPECT_THAT(full.err, HasSubstr("error: standard output: cannot be written: No space left on device"))
            << command;
    }
    // Its files were written before the table.
    EXPECT_FALSE(contents(folder_.file("out/report.html")).empty());
}

TEST_F(Streams, AFullDiskIsSaidOfEveryFile) {
    EXPECT_EQ(shell("run -f text.txt -n 2 --dump-kept /dev/full").err_lines().back(),
              "snapkv: error: /dev/full: cannot be written: No space left on device");
    EXPECT_EQ(shell("\"$snapkv\" show -m tiny.gguf -t 1 --raw -f text.txt --html /dev/full").err_lines().back(),
              "snapkv: error: /dev/full: cannot be written: No space left on device");
}

TEST_F(Streams, AFileThatCannotBeWrittenCostsNeitherTheOthersNorTheAnswer) {
    const Outcome outcome = shell("run -f text.txt -n 4 --dump-kept /dev/full --save-kv a.kv --json");
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(Json::parse(outcome.out)["tokens"].size(), 4U);
    EXPECT_TRUE(contents(folder_.file("a.kv")).starts_with("SNAPKV"));
}

TEST_F(Streams, ALimitOnTheSizeOfFilesIsAFullDisk) {
    const Outcome outcome = shell("ulimit -f 8; run -f text.txt -n 4 --save-kv a.kv --json");
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_EQ(outcome.err_lines().back(), "snapkv: error: a.kv: cannot be written: File too large");
    EXPECT_EQ(Json::parse(outcome.out)["tokens"].size(), 4U);
    EXPECT_EQ(folder_.entries(), 2U);  // the model and the text
    EXPECT_EQ(shell("ulimit -f 8; \"$snapkv\" make-model -o b.gguf").err_lines().back(),
              "snapkv: error: b.gguf: cannot be written: File too large");
    EXPECT_EQ(folder_.entries(), 2U);
}

TEST_F(Streams, SignalsEndAFileWithoutATrace) {
    for (const auto & [signal, status] : {std::pair("TERM", 143), std::pair("HUP", 129)}) {
        // It is interrupted once it has written something of its many GB.
        const Outcome outcome = shell(std::string("signal=") + signal + R"sh(
            "$snapkv" make-model --shape mixtral-8x7b -o big.gguf & child=$!
            until [ "$(awk '/^wchar/ { print $2 }' /proc/$child/io)" -gt 20000000 ]; do
                kill -0 $child || break
                sleep 0.01
            done
            kill -$signal $child; wait $child)sh");
        EXPECT_EQ(outcome.status, status) << outcome.err;
        EXPECT_EQ(folder_.entries(), 2U) << signal;
    }
}

TEST_F(Streams, ASignalEndsTheSavingOfACacheWithoutATrace) {
    ASSERT_EQ(shell(R"("$snapkv" make-model -o deep.gguf --layers 40
        "$snapkv" run -m deep.gguf -t 1 --raw -f text.txt -n 0 --kv-policy full --kv-type f32 --save-kv a.kv)")
                  .status,
              0);
    // It is interrupted once it has written something of its 80 MB; where that came too late, it is tried again.
    const Outcome outcome = shell(R"sh(
        for attempt in {1..20}; do
            rm -f b.kv
            "$snapkv" run -m deep.gguf -t 1 --load-kv a.kv -n 0 --save-kv b.kv --json > out & child=$!
            until [ "$(awk '/^wchar/ { print $2 }' /proc/$child/io)" -gt 1000000 ]; do kill -0 $child || break; done
            kill -TERM $child; wait $child; status=$?
            [ $status = 0 ] || break
        done 2> err
        exit $status)sh");
    EXPECT_EQ(outcome.status, 143) << contents(folder_.file("err"));
    EXPECT_THAT(contents(folder_.file("err")), HasSubstr("--save-kv: not written: interrupted"));
    EXPECT_TRUE(Json::accept(contents(folder_.file("out"))));
    EXPECT_EQ(folder_.entries(), 6U);  // two models, the text, the cache, "out" and "err"
}

TEST(Signals, ASecondOneEndsTheProcessAndOneOfAPairDoesNot) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        const pid_t child = fork();
        if (child == 0) {
            std::signal(number, SIG_DFL);
            watch_interrupts();
            std::raise(number);
            std::raise(number);  // as timeout(1) sends it: to the child and to its group
            if (!interrupted() || interrupted_status() != 128 + number) {
                _exit(1);
            }
            while (true) {
                std::raise(number);
                usleep(10'000);
            }
        }
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 128 + number);
    }
}

TEST(Signals, OnesThatWereIgnoredStayIgnored) {
    const pid_t child = fork();
    if (child == 0) {
        std::signal(SIGHUP, SIG_IGN);  // as nohup has it
        watch_interrupts();
        std::raise(SIGHUP);
        _exit(interrupted() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(Signals, ATerminatedRunGivesItsStatistics) {
    const Folder folder;
    std::string text;
    for (int i = 0; i < 300; ++i) {
        text += "The boat came on day " + std::to_string(i) + " with oil. ";
    }
    (void)folder.write("text.txt", text);
    const Outcome outcome = run_shell(folder, R"(
        "$snapkv" run -m "$model" -t 1 -f "$here/text.txt" -n 1 --json 2> "$here/err" & child=$!
        until grep -q "to prefill" "$here/err"; do kill -0 $child || break; sleep 0.01; done
        kill -TERM $child; wait $child)");
    EXPECT_EQ(outcome.status, 143);
    EXPECT_TRUE(Json::accept(outcome.out)) << outcome.out;
}

}  // namespace
}  // namespace snapkv::cli::test
