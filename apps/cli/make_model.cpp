// `snapkv make-model`.
#include "commands.h"
#include "engine.h"
#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "output_file.h"
#include "progress.h"
#include "status.h"

namespace snapkv::cli {

int make_model(const Settings & settings) {
    if (settings.output.empty()) {
        usage_error("no file is given (snapkv make-model -o FILE)");
    }
    if (!settings.force) {
        check_absent("--output", settings.output);
    }
    watch_interrupts();
    RandomModelOptions options = settings.random_model;
    options.stop = &interrupt_flag();
    const Stopwatch watch;
    RandomModelResult result;
    {
        ProgressLine line;
        result = write_random_model(settings.output, options, [&](std::uint64_t done, std::uint64_t total) {
            if (line.due()) {
                const double share = static_cast<double>(done) / static_cast<double>(total);
                line.draw(fmt::format("writing {} {:3.0f}%  {} of {}", progress_bar(share), share * 100,
                                      bytes_text(done), bytes_text(total)));
            }
        });
    }
    if (result.interrupted) {
        return status_interrupted;
    }
    note("{}: {} parameters, {} in {}", settings.output.string(), count_text(result.parameters),
         bytes_text(result.bytes), seconds_text(watch.milliseconds() / 1000));
    return status_ok;
}

}  // namespace snapkv::cli
