// `snapkv inspect`.
#include <algorithm>
#include <array>

#include "commands.h"
#include "engine.h"
#include "fail.h"
#include "format.h"
#include "json.h"
#include "needs.h"
#include "options.h"
#include "standard_output.h"
#include "status.h"
#include "words.h"

namespace snapkv::cli {
namespace {

constexpr std::array<std::uint64_t, 8> lengths{4096, 8192, 16384, 32768, 65536, 131072, 262144, 524288};

Json shape_json(const ModelInfo & model) {
    Json json;
    json["name"] = model.name;
    json["architecture"] = model.architecture;
    json["quantisation"] = model.quantisation;
    json["parameters"] = model.parameters;
    json["weight_bytes"] = model.weight_bytes;
    json["layers"] = model.layers;
    json["width"] = model.width;
    json["feed_forward"] = model.feed_forward;
    json["heads"] = model.heads;
    json["kv_heads"] = model.kv_heads;
    json["key_size"] = model.key_size;
    json["value_size"] = model.value_size;
    json["vocabulary"] = model.vocabulary;
    json["trained_context"] = model.trained_context;
    json["rope"] = model.rope;
    json["experts"] = model.experts;
    json["experts_used"] = model.experts_used;
    json["attention"] = Json::array();
    for (const LayerAttention & layer : model.attention) {
        json["attention"].push_back({{"window", layer.window}, {"rotates", layer.rotates}, {"recurs", layer.recurs}});
    }
    json["attending_layers"] = model.attending_layers;
    json["values_in_keys"] = model.values_in_keys;
    json["state_bytes"] = model.state_bytes;
    json["chat_template"] = !model.chat_template.empty();
    return json;
}

/// The types in which the model's rows can be stored.
std::vector<Word<KvType>> types_of(const ModelInfo & model) {
    std::vector<Word<KvType>> types;
    for (const auto & word : type_words) {
        if (!is_quantised(word.value) ||
            (model.key_size % kQuantisedBlock == 0 && model.value_size % kQuantisedBlock == 0)) {
            types.push_back(word);
        }
    }
    return types;
}

Json inspect_json(const ModelInfo & model, const CacheConfig & cache) {
    Json json = shape_json(model);
    for (const auto & word : types_of(model)) {
        json["cache_bytes_per_token"][std::string(word.text)] = model.cache_bytes_per_token(word.value);
    }
    json["estimates"] = Json::array();
    for (const std::uint64_t tokens : lengths) {
        const Needs needs = needs_of(model, tokens, cache);
        Json row;
        row["tokens"] = tokens;
        row["hidden_bytes"] = needs.hidden;
        row["layer_bytes"] = needs.layer;
        row["prefill_bytes_full"] = needs.prefill_full();
        row["prefill_bytes_compressed"] = needs.prefill_compressed();
        row["decode_bytes_full"] = needs.decode_full();
        row["decode_bytes_compressed"] = needs.decode_compressed();
        json["estimates"].push_back(std::move(row));
    }
    return json;
}

/// "0-2, 4" of ascending numbers.
std::string ranges_text(const std::vector<std::size_t> & numbers) {
    std::string text;
    for (std::size_t begin = 0; begin < numbers.size();) {
        std::size_t end = begin + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) {
            ++end;
        }
        text += fmt::format("{}{}", text.empty() ? "" : ", ", numbers[begin]);
        text += end - begin > 1 ? fmt::format("-{}", numbers[end - 1]) : "";
        begin = end;
    }
    return text;
}

std::string attention_text(const LayerAttention & layer) {
    if (layer.recurs) {
        return "a state of fixed size";
    }
    return fmt::format("{}{}", layer.window == 0 ? "everything" : fmt::format("the last {}", count_text(layer.window)),
                       layer.rotates ? "" : ", without positions");
}

/// What each kind of layer sees, and which layers are of it where there are several kinds.
std::vector<std::string> attention_lines(const ModelInfo & model) {
    std::vector<LayerAttention> kinds;
    std::vector<std::vector<std::size_t>> layers;
    for (std::size_t layer = 0; layer < model.attention.size(); ++layer) {
        const auto found = std::find(kinds.begin(), kinds.end(), model.attention[layer]);
        const auto kind = static_cast<std::size_t>(found - kinds.begin());
        if (found == kinds.end()) {
            kinds.push_back(model.attention[layer]);
            layers.emplace_back();
        }
        layers[kind].push_back(layer);
    }
    std::vector<std::string> lines;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        lines.push_back(kinds.size() == 1
                            ? attention_text(kinds[kind])
                            : fmt::format("{} (layers {})", attention_text(kinds[kind]), ranges_text(layers[kind])));
    }
    return lines;
}

void print_shape(const ModelInfo & model) {
    const auto line = [](std::string_view label, const std::string & value) { print("{:<16} {}\n", label, value); };
    line("name", model.name);
    line("architecture", model.architecture);
    line("quantisation", model.quantisation);
    line("parameters", count_text(model.parameters));
    line("weights", bytes_text(model.weight_bytes));
    line("layers", count_text(model.layers));
    line("width",
         count_text(model.width) + (model.feed_forward == 0 ? "" : ", feed-forward " + count_text(model.feed_forward)));
    line("heads", fmt::format("{}, KV heads {}, key size {}, value size {}{}", model.heads, model.kv_heads,
                              model.key_size, model.value_size, model.values_in_keys ? " (part of the key)" : ""));
    if (model.experts > 0) {
        line("experts", fmt::format("{}, {} used per token", model.experts, model.experts_used));
    }
    for (const std::string & text : attention_lines(model)) {
        line("attention sees", text);
    }
    line("vocabulary", count_text(model.vocabulary, "token"));
    line("trained context", count_text(model.trained_context, "token"));
    line("RoPE", model.rope);
    line("chat template", model.chat_template.empty() ? "no" : "yes");
    std::string bytes;
    for (const auto & word : types_of(model)) {
        bytes += fmt::format("{}{} {}", bytes.empty() ? "" : ", ", word.text,
                             bytes_text(model.cache_bytes_per_token(word.value)));
    }
    line("cache per token", bytes);
    if (model.state_bytes > 0) {
        line("state", fmt::format("{} per sequence of any length", bytes_text(model.state_bytes)));
    }
}

void print_needs(const ModelInfo & model, const Settings & settings) {
    Settings compressed = settings;
    compressed.command = Command::Inspect;
    print("\nMemory needed besides the weights, estimated from the shape ({}):\n\n", configuration(compressed));
    print("{:>9}  {:>11} {:>11}  {:>11} {:>11}  {:>11} {:>11}\n", "", "hidden", "one layer", "prefill", "prefill",
          "decode", "decode");
    print("{:>9}  {:>11} {:>11}  {:>11} {:>11}  {:>11} {:>11}\n", "tokens", "states", "at work", "full", "compressed",
          "full", "compressed");
    for (const std::uint64_t tokens : lengths) {
        const Needs needs = needs_of(model, tokens, settings.cache);
        print("{:>9}  {:>11} {:>11}  {:>11} {:>11}  {:>11} {:>11}{}\n", count_text(tokens), bytes_text(needs.hidden),
              bytes_text(needs.layer), bytes_text(needs.prefill_full()), bytes_text(needs.prefill_compressed()),
              bytes_text(needs.decode_full()), bytes_text(needs.decode_compressed()),
              tokens > model.trained_context ? "  *" : "");
    }
    print(
        "\n* longer than the trained context. Prefill is hidden states, one layer's working rows and the rows kept;\n"
        "graph buffers and scratch space, some tens of MiB, come on top.\n");
}

}  // namespace

int inspect(const Settings & settings) {
    const Model model = load_model(settings);
    if (settings.json) {
        print_json(inspect_json(model.info(), settings.cache));
    } else {
        print_shape(model.info());
        print_needs(model.info(), settings);
    }
    finish_standard_output();
    return status_ok;
}

}  // namespace snapkv::cli
