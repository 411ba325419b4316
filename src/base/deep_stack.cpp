#include "base/deep_stack.h"

#include <pthread.h>

#include <exception>

#include "base/raise.h"

namespace snapkv {

namespace {

struct Call {
    const std::function<void()> & work;
    std::exception_ptr thrown;
};

void * run(void * data) {
    auto & call = *static_cast<Call *>(data);
    try {
        call.work();
    } catch (...) {
        call.thrown = std::current_exception();
    }
    return nullptr;
}

}  // namespace

void on_deep_stack(std::size_t bytes, const std::function<void()> & work) {
    Call call{work, nullptr};
    pthread_attr_t attributes;
    pthread_t thread{};
    pthread_attr_init(&attributes);
    const bool started =
        pthread_attr_setstacksize(&attributes, bytes) == 0 && pthread_create(&thread, &attributes, run, &call) == 0;
    pthread_attr_destroy(&attributes);
    if (!started) {
        raise_machine("no thread with a stack of {} MiB could be started", bytes >> 20U);
    }
    pthread_join(thread, nullptr);
    if (call.thrown) {
        std::rethrow_exception(call.thrown);
    }
}

}  // namespace snapkv
