// What becomes of files that a run cannot write.
#include "answering.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "support/error_of.h"

namespace snapkv::cli {
namespace {

TEST(Answering, AFileThatCannotBeWrittenIsToldOfAtTheEnd) {
    const auto failure = [](const auto & write) {
        const Settings settings;
        Answering answering(settings, nullptr);
        answering.save("--save-kv", write);
        answering.save("--dump-kept", []() -> bool { throw Error(ErrorKind::Machine, "a second failure"); });
        return snapkv::test::error_of(ErrorKind::Machine, [&] { (void)answering.finish(); });
    };
    EXPECT_EQ(failure([]() -> bool { throw Error(ErrorKind::Machine, "a.kv: cannot be written"); }),
              "a.kv: cannot be written");
    EXPECT_EQ(failure([]() -> bool { throw std::bad_alloc(); }), "--save-kv: not written: memory ran out");
    EXPECT_EQ(failure([]() -> bool { throw std::length_error("too long"); }), "--save-kv: not written: too long");
}

TEST(Answering, AFileWhoseWritingWasInterruptedEndsTheRunAsInterrupted) {
    const Settings settings;
    Answering answering(settings, nullptr);
    answering.save("--save-kv", [] { return false; });
    EXPECT_EQ(answering.finish(), 130);
}

}  // namespace
}  // namespace snapkv::cli
