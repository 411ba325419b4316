#include "base/deep_stack.h"

#include <exception>

#include "base/thread.h"

namespace snapkv {

void on_deep_stack(std::size_t bytes, const std::function<void()> & work) {
    std::exception_ptr thrown;
    {
        const Thread thread(bytes, [&] {
            try {
                work();
            } catch (...) {
                thrown = std::current_exception();
            }
        });
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

}  // namespace snapkv
