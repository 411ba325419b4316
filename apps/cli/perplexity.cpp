// `snapkv perplexity`.
#include "snapkv/tools/perplexity.h"
#include "commands.h"
#include "engine.h"
#include "format.h"
#include "input.h"
#include "interrupt.h"
#include "json.h"
#include "progress.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

Progress chunk_state(std::uint32_t done, std::uint32_t chunks, double so_far, const Stopwatch & watch) {
    const double share = chunks > 0 ? static_cast<double>(done) / chunks : 0;
    const double seconds = watch.milliseconds() / 1000;
    const std::string left = done > 0 ? seconds_text(seconds * (1 - share) / share) : "?";
    return {"perplexity",
            share,
            {left + " left", fmt::format("{:.4f} so far", so_far), fmt::format("chunk {}/{}", done, chunks)}};
}

}  // namespace

int perplexity(const Settings & settings) {
    const std::string text = read_document(settings);
    watch_interrupts();
    const Model model = load_model(settings);
    const std::uint32_t context = settings.context != 0 ? settings.context : model.info().trained_context;
    Session session = make_session(model, settings, context);
    PerplexityResult result;
    {
        ProgressLine line;
        const Stopwatch watch;
        result =
            snapkv::perplexity(session, text, context, [&](std::uint32_t done, std::uint32_t chunks, double so_far) {
                if (line.due()) {
                    line.draw(chunk_state(done, chunks, so_far, watch));
                }
            });
    }
    if (settings.json) {
        Json json;
        json["perplexity"] = result.perplexity;
        json["tokens"] = result.tokens;
        json["chunks"] = result.chunks;
        print_json(json);
    } else if (result.chunks > 0) {
        print("perplexity {:.4f} over {} of {} tokens ({} scored)\n", result.perplexity,
              count_text(result.chunks, "chunk"), count_text(context), count_text(result.tokens));
    }
    finish_standard_output();
    return result.interrupted ? interrupted_status() : status_ok;
}

}  // namespace snapkv::cli
