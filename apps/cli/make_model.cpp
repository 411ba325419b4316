// `snapkv make-model`.
#include <functional>

#include "commands.h"
#include "engine.h"
#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "progress.h"
#include "status.h"

namespace snapkv::cli {

namespace {

using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

WrittenModel write_random(const Settings & settings, const Progress & progress) {
    if (settings.has("--suffix")) {
        usage_error("--suffix is only for --shape {}", constructed_shape);
    }
    RandomModelOptions options = settings.random_model;
    options.stop = &interrupt_flag();
    return write_random_model(settings.output, options, progress);
}

WrittenModel write_constructed(const Settings & settings, const Progress & progress) {
    for (const char * name : {"--layers", "--seed"}) {
        if (settings.has(name)) {
            usage_error("{} does not apply to --shape {}, whose weights are not random", name, constructed_shape);
        }
    }
    RetrievalModelOptions options = settings.retrieval_model;
    options.vocabulary = settings.random_model.vocabulary;
    if (settings.has("--type")) {
        options.type = settings.random_model.type;
    }
    options.stop = &interrupt_flag();
    return write_retrieval_model(settings.output, options, progress);
}

}  // namespace

int make_model(const Settings & settings) {
    if (settings.output.empty()) {
        usage_error("no file given (snapkv make-model -o FILE)");
    }
    watch_interrupts();
    const auto write = settings.random_model.shape == constructed_shape ? write_constructed : write_random;
    const Stopwatch watch;
    WrittenModel result;
    {
        ProgressLine line;
        result = write(settings, [&](std::uint64_t done, std::uint64_t total) {
            if (line.due()) {
                const double share = static_cast<double>(done) / static_cast<double>(total);
                line.draw({"writing", share, {fmt::format("{} of {}", bytes_text(done), bytes_text(total))}});
            }
        });
    }
    if (result.interrupted) {
        return interrupted_status();
    }
    note("{}: {} parameters, {} in {}", settings.output.string(), count_text(result.parameters),
         bytes_text(result.bytes), seconds_text(watch.milliseconds() / 1000));
    return status_ok;
}

}  // namespace snapkv::cli
