#include "field_names.h"

#include <array>

namespace snapkv::cli {

std::span<const FieldName> field_names() {
    static constexpr std::array<FieldName, 28> names{{
        {"rope.scaling", "--rope-scaling"},
        {"rope.scale", "--rope-scale"},
        {"rope.freq_base", "--rope-freq-base"},
        {"rope.yarn_orig_ctx", "--yarn-orig-ctx"},
        {"cache.policy", "--kv-policy"},
        {"cache.window", "--kv-window"},
        {"cache.recent", "--kv-recent"},
        {"cache.evidence", "--kv-evidence"},
        {"cache.group", "--kv-group"},
        {"cache.cluster", "--kv-cluster"},
        {"cache.allocation", "--kv-allocation"},
        {"cache.budget", "--kv-budget"},
        {"cache.sink", "--kv-sink"},
        {"cache.evict", "--kv-evict"},
        {"cache.tail_budget", "--kv-tail-budget"},
        {"cache.type.key", "--kv-type-k"},
        {"cache.type.value", "--kv-type-v"},
        {"cache.rotate", "--kv-rotate"},
        {"session.threads", "--threads"},
        {"session.context", "--ctx-size"},
        {"session.allow_long", "--allow-long"},
        {"sampling.temperature", "--temp"},
        {"sampling.top_k", "--top-k"},
        {"sampling.top_p", "--top-p"},
        {"sampling.min_p", "--min-p"},
        {"sampling.repeat_penalty", "--repeat-penalty"},
        {"sampling.frequency_penalty", "--frequency-penalty"},
        {"sampling.presence_penalty", "--presence-penalty"},
    }};
    return names;
}

std::string message_of(const Error & error) {
    std::string message = error.what();
    if (error.field() == "chat_template") {
        return message + "; use --raw to run without a chat template";
    }
    if (error.field().empty()) {
        return message;  // a file's or a text's words are nobody's field
    }
    for (const auto & [field, flag] : field_names()) {
        for (std::size_t at = message.find(field); at != std::string::npos;
             at = message.find(field, at + flag.size())) {
            message.replace(at, field.size(), flag);
        }
    }
    return message;
}

}  // namespace snapkv::cli
