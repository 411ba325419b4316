#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "chat.h"
#include "llama.h"
#include "text/prompt.h"
#include "vocabularies.h"

namespace snapkv::test {

// Templates of the project's own in the manner of known families.
inline const std::string chatml_template =
    "{%- for message in messages -%}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}";

inline const std::string header_template =
    "{{- bos_token -}}{%- for message in messages -%}{{ '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\\n\\n' + message['content'] + '<|eot_id|>' }}{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif -%}";

inline const std::string brackets_template =
    "{%- for message in messages -%}{%- if message['role'] == 'user' -%}{{ bos_token + '[INST] ' + "
    "message['content'] + ' [/INST]' }}{%- else -%}{{ ' ' + message['content'] + ' ' + eos_token }}{%- endif -%}"
    "{%- endfor -%}";

inline const std::string bars_template =
    "{{- bos_token -}}{%- for message in messages -%}{{ '<|' + message['role'] + '|>\\n' + message['content'] + "
    "'<|end|>\\n' }}{%- endfor -%}{%- if add_generation_prompt -%}{{ '<|assistant|>\\n' }}{%- endif -%}";

/// A tokenizer with a template; an empty template means the file's own.
struct Pair {
    std::string vocabulary;  // a name, or empty for the demonstration model
    std::string source;

    [[nodiscard]] const text::Vocabulary & tokenizer() const {
        return vocabulary.empty() ? model_vocabulary() : test::vocabulary(vocabulary);
    }
    [[nodiscard]] text::ChatTemplate chat() const {
        return source.empty() ? text::ChatTemplate(tokenizer()) : text::ChatTemplate(tokenizer(), source);
    }
    friend std::ostream & operator<<(std::ostream & out, const Pair & pair) {
        return out << (pair.vocabulary.empty() ? "SmolLM2" : pair.vocabulary)
                   << (pair.source.empty() ? ", own template" : "");
    }
};

inline std::vector<Pair> pairs() {
    return {{"", ""},
            {"qwen2", ""},
            {"qwen2", chatml_template},
            {"llama-bpe", header_template},
            {"llama-spm", brackets_template},
            {"phi-3", ""},
            {"phi-3", bars_template}};
}

/// llama.cpp's own reading of a pair's template, made once for all tests.
inline const common_chat_templates * llamas_templates(const Pair & pair) {
    static std::map<std::string, std::unique_ptr<llama_model, decltype(&llama_model_free)>> models;
    static std::map<std::pair<std::string, std::string>, common_chat_templates_ptr> templates;
    common_chat_templates_ptr & read = templates[{pair.vocabulary, pair.source}];
    if (!read) {
        const std::string path = pair.vocabulary.empty() ? SNAPKV_TEST_MODEL : vocabulary_path(pair.vocabulary);
        const auto model = models.try_emplace(path, nullptr, llama_model_free).first;
        if (!model->second) {
            llama_model_params params = llama_model_default_params();
            params.vocab_only = true;
            model->second.reset(llama_model_load_from_file(path.c_str(), params));
        }
        read = common_chat_templates_init(model->second.get(), pair.source);
    }
    return read.get();
}

/// What llama.cpp makes of a conversation.
inline std::string render(const Pair & pair, const std::vector<ChatMessage> & messages) {
    common_chat_templates_inputs inputs;
    for (const ChatMessage & message : messages) {
        common_chat_msg copy;
        copy.role = message.role;
        copy.content = message.content;
        inputs.messages.push_back(std::move(copy));
    }
    inputs.enable_thinking = false;
    return common_chat_templates_apply(llamas_templates(pair), inputs).prompt;
}

/// Of one that begins with the user.
inline std::string render(const Pair & pair, const std::vector<std::string> & messages) {
    std::vector<ChatMessage> conversation;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        conversation.push_back({i % 2 == 0 ? "user" : "assistant", messages[i]});
    }
    return render(pair, conversation);
}

}  // namespace snapkv::test
