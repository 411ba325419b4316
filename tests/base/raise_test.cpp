#include "base/raise.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace snapkv {
namespace {

/// What `raise` throws, as "kind: message".
template <typename Raise>
std::string thrown_by(const Raise & raise) {
    try {
        raise();
    } catch (const Error & error) {
        const std::string message = error.what();
        switch (error.kind()) {
            case ErrorKind::Usage:
                return "usage: " + message;
            case ErrorKind::Input:
                return "input: " + message;
            case ErrorKind::Machine:
                return "machine: " + message;
            case ErrorKind::Interrupted:
                return "interrupted: " + message;
        }
    }
    return "nothing";
}

TEST(Raise, FormatsItsArgumentsAndKeepsTheKind) {
    EXPECT_EQ(thrown_by([] { raise_usage("--kv-kernel is {}; it must be odd", 4); }),
              "usage: --kv-kernel is 4; it must be odd");
    EXPECT_EQ(thrown_by([] { raise_input("{}: version {}, expected {}", std::string("a.gguf"), 1U, 3U); }),
              "input: a.gguf: version 1, expected 3");
    EXPECT_EQ(thrown_by([] { raise_machine("{:.1f} GiB needed", 2.25); }), "machine: 2.2 GiB needed");
    EXPECT_EQ(thrown_by([] { raise_interrupted("stopped at {}", 7); }), "interrupted: stopped at 7");
}

TEST(Raise, LeavesBracesInArgumentsAlone) {
    EXPECT_EQ(thrown_by([] { raise_input("{}: no such file", "{}%s"); }), "input: {}%s: no such file");
    EXPECT_EQ(thrown_by([] { raise_input("{{}} stays"); }), "input: {} stays");
}

TEST(Raise, ThrowsWhatCatchesAsARuntimeError) {
    EXPECT_THROW(raise_machine("disk full"), std::runtime_error);
}

}  // namespace
}  // namespace snapkv
