#include "text/families.h"

#include <algorithm>

#include "gguf/temporary_file.h"
#include "gguf/tiny_vocabulary.h"

namespace snapkv::test {
namespace {

// The template with <<SYS>> puts a standing instruction before the first message, and trims what users write.
std::vector<ChatFamily> llamas() {
    return {
        {.name = "Llama2",
         .controls = {"<s>", "</s>"},
         .end = "</s>",
         .adds_bos = true,
         .source = R"({%- set standing = 'Be brief.' -%}
{%- if messages[0].role == 'system' -%}
    {%- set standing = messages[0].content -%}
    {%- set messages = messages[1:] -%}
{%- endif -%}
{%- for m in messages -%}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{ raise_exception('turns must alternate') }}{%- endif -%}
    {%- if m.role == 'user' -%}
        {{- bos_token + '[INST] ' -}}
        {%- if loop.first -%}{{- '<<SYS>>\n' + standing + '\n<</SYS>>\n\n' -}}{%- endif -%}
        {{- m.content.strip() + ' [/INST]' -}}
    {%- else -%}
        {{- ' ' + m.content.strip() + ' ' + eos_token -}}
    {%- endif -%}
{%- endfor -%})",
         .first = "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWho? [/INST]",
         .after_end = "<s>[INST] Why? [/INST]",
         .after_cut = " </s><s>[INST] Why? [/INST]"},
        {.name = "Llama3",
         .controls = {"<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
         .end = "<|eot_id|>",
         .adds_bos = true,
         .source = R"({%- for m in messages -%}
    {%- set turn = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' -%}
    {%- if loop.index0 == 0 -%}{%- set turn = bos_token + turn -%}{%- endif -%}
    {{- turn -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}{%- endif -%})",
         .first = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWho?<|eot_id|>"
                  "<|start_header_id|>assistant<|end_header_id|>\n\n",
         .after_end = "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
                      "<|start_header_id|>assistant<|end_header_id|>\n\n",
         .after_cut = "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
                      "<|start_header_id|>assistant<|end_header_id|>\n\n"}};
}

// One template whose white space differs from version to version.
std::string mistral_template(const std::string & open, const std::string & close, const std::string & answer,
                             const std::string & end) {
    return "{{- bos_token -}}{%- for m in messages -%}{%- if m['role'] == 'user' -%}{{- '" + open +
           "' + m['content'] + '" + close + "' -}}{%- elif m['role'] == 'assistant' -%}{{- '" + answer +
           "' + m['content'] + eos_token + '" + end +
           "' -}}{%- else -%}{{- raise_exception('only users and assistants speak') -}}{%- endif -%}{%- endfor -%}";
}

std::vector<ChatFamily> mistrals() {
    const std::vector<std::string> plain{"<s>", "</s>"};
    const std::vector<std::string> marked{"<s>", "</s>", "[INST]", "[/INST]"};
    return {{.name = "MistralV01",
             .controls = plain,
             .end = "</s>",
             .adds_bos = true,
             .source = mistral_template("[INST] ", " [/INST]", "", " "),
             .first = "<s>[INST] Who? [/INST]",
             .after_end = " [INST] Why? [/INST]",
             .after_cut = "</s> [INST] Why? [/INST]"},
            {.name = "Mixtral",
             .controls = plain,
             .end = "</s>",
             .adds_bos = true,
             .source = mistral_template(" [INST] ", " [/INST]", " ", ""),
             .first = "<s> [INST] Who? [/INST]",
             .after_end = " [INST] Why? [/INST]",
             .after_cut = "</s> [INST] Why? [/INST]"},
            {.name = "MistralV03",
             .controls = marked,
             .end = "</s>",
             .adds_bos = true,
             .source = mistral_template("[INST] ", "[/INST]", " ", ""),
             .first = "<s>[INST] Who?[/INST]",
             .after_end = "[INST] Why?[/INST]",
             .after_cut = "</s>[INST] Why?[/INST]"},
            {.name = "MistralNemo",
             .controls = marked,
             .end = "</s>",
             .adds_bos = true,
             .source = mistral_template("[INST]", "[/INST]", "", ""),
             .first = "<s>[INST]Who?[/INST]",
             .after_end = "[INST]Why?[/INST]",
             .after_cut = "</s>[INST]Why?[/INST]"}};
}

std::vector<ChatFamily> commands() {
    const std::vector<std::string> turns{"<BOS_TOKEN>",    "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>",
                                         "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>",       "<|SYSTEM_TOKEN|>"};
    const std::string open_user = "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>";
    const std::string open_answer = "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>";
    const std::string no_thought = "<|START_THINKING|><|END_THINKING|>";
    return {{.name = "CommandR",
             .controls = turns,
             .end = "<|END_OF_TURN_TOKEN|>",
             .adds_bos = true,
             .source = R"({{- bos_token -}}
{%- for m in messages -%}
    {%- set who = {'user': '<|USER_TOKEN|>', 'assistant': '<|CHATBOT_TOKEN|>'}[m.role] -%}
    {{- '<|START_OF_TURN_TOKEN|>' + who + m.content.strip() + '<|END_OF_TURN_TOKEN|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' -}}{%- endif -%})",
             .first = "<BOS_TOKEN>" + open_user + "Who?" + open_answer,
             .after_end = open_user + "Why?" + open_answer,
             .after_cut = "<|END_OF_TURN_TOKEN|>" + open_user + "Why?" + open_answer},
            // Answers are wrapped, and end with their wrapping before the turn does.
            {.name = "CommandR7B",
             .controls = turns,
             .end = "<|END_OF_TURN_TOKEN|>",
             .adds_bos = true,
             .source = R"({{- bos_token -}}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|># Rules
Be brief.<|END_OF_TURN_TOKEN|>
{%- for m in messages -%}
    {%- if m.role | lower == 'user' -%}
        <|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ m.content }}<|END_OF_TURN_TOKEN|>
    {%- else -%}
        <|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|><|START_RESPONSE|>{{ m.content }}<|END_RESPONSE|><|END_OF_TURN_TOKEN|>
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    <|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>
    {%- if not enable_thinking -%}<|START_THINKING|><|END_THINKING|>{%- endif -%}
{%- endif -%})",
             .first = "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|># Rules\nBe brief.<|END_OF_TURN_TOKEN|>" +
                      open_user + "Who?" + open_answer + no_thought,
             .after_end = open_user + "Why?" + open_answer + no_thought,
             .after_cut = "<|END_RESPONSE|><|END_OF_TURN_TOKEN|>" + open_user + "Why?" + open_answer + no_thought,
             .markers = {"<|START_THINKING|>", "<|END_THINKING|>", "<|START_RESPONSE|>", "<|END_RESPONSE|>"}}};
}

/// A family that writes <|im_start|>role, the text and <|im_end|>.
ChatFamily chatml(std::string name, std::string source, const std::string & system, const std::string & thought) {
    const std::string open_answer = "<|im_end|>\n<|im_start|>assistant\n" + thought;
    return {.name = std::move(name),
            .controls = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"},
            .end = "<|im_end|>",
            .source = std::move(source),
            .first = system + "<|im_start|>user\nWho?" + open_answer,
            .after_end = "\n<|im_start|>user\nWhy?" + open_answer,
            .after_cut = "<|im_end|>\n<|im_start|>user\nWhy?" + open_answer,
            .markers = {"<think>", "</think>"}};
}

/// Turns of all roles alike, then the opening of the answer.
std::string chatml_template(const std::string & before, const std::string & open) {
    return before +
           "{%- for m in messages -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}"
           "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}" +
           open + "{%- endif -%}";
}

std::vector<ChatFamily> chatmls() {
    const std::string defaulted =
        "{%- if messages[0]['role'] != 'system' -%}{{- '<|im_start|>system\\nBe brief.<|im_end|>\\n' -}}{%- endif -%}";
    const std::string briefly = "<|im_start|>system\nBe brief.<|im_end|>\n";
    // Qwen 3 drops the thoughts of answers before the last question, and writes an empty one where none are wanted.
    const std::string thinking = R"({%- set last = namespace(question=0) -%}
{%- for m in messages[::-1] -%}
    {%- if m.role == 'user' and last.question == 0 -%}{%- set last.question = messages|length - 1 - loop.index0 -%}{%- endif -%}
{%- endfor -%}
{%- for m in messages -%}
    {%- set text = m.content if m.content is string else '' -%}
    {%- if m.role == 'assistant' and '</think>' in text and loop.index0 < last.question -%}
        {%- set text = text.split('</think>')[-1].lstrip('\n') -%}
    {%- endif -%}
    {{- '<|im_start|>' + m.role + '\n' + text + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\n' -}}
    {%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\n\n</think>\n\n' -}}{%- endif -%}
{%- endif -%})";
    return {chatml("SmolLm", chatml_template(defaulted, ""), briefly, ""),
            chatml("Qwen25", chatml_template(defaulted, ""), briefly, ""),
            chatml("Qwen3", thinking, "", "<think>\n\n</think>\n\n"),
            chatml("Qwen3ThinkingOnly", chatml_template("", "{{- '<think>\\n' -}}"), "", "<think>\n"),
            chatml("SmolLm3",
                   chatml_template("{{- '<|im_start|>system\\n## Mode\\n\\n' -}}"
                                   "{{- '/think' if enable_thinking else '/no_think' -}}{{- '\\n\\n<|im_end|>\\n' -}}",
                                   "{%- if not enable_thinking -%}{{- '<think>\\n\\n</think>\\n' -}}{%- endif -%}"),
                   "<|im_start|>system\n## Mode\n\n/no_think\n\n<|im_end|>\n", "<think>\n\n</think>\n")};
}

/// Those that write markers of their own around each role.
std::vector<ChatFamily> others() {
    return {
        {.name = "Gemma",
         .controls = {"<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"},
         .end = "<end_of_turn>",
         .adds_bos = true,
         .source = R"({{ bos_token }}
{%- if messages[0].role == 'system' -%}{{ raise_exception('no system role') }}{%- endif -%}
{%- for m in messages -%}
    {%- set who = 'model' if m.role == 'assistant' else m.role -%}
    {{ '<start_of_turn>' + who + '\n' }}{{ m.content | trim }}{{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%})",
         .first = "<bos><start_of_turn>user\nWho?<end_of_turn>\n<start_of_turn>model\n",
         .after_end = "\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
         .after_cut = "<end_of_turn>\n<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n"},
        {.name = "Phi3",
         .controls = {"<s>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"},
         .end = "<|end|>",
         .adds_bos = true,
         .source =
             R"({{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %})",
         .first = "<s><|user|>\nWho?<|end|>\n<|assistant|>\n",
         .after_end = "\n<|user|>\nWhy?<|end|>\n<|assistant|>\n",
         .after_cut = "<|end|>\n<|user|>\nWhy?<|end|>\n<|assistant|>\n"},
        {.name = "Phi4Mini",
         .controls = {"<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>"},
         .end = "<|end|>",
         .source = R"({% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %})",
         .first = "<|user|>Who?<|end|><|assistant|>",
         .after_end = "<|user|>Why?<|end|><|assistant|>",
         .after_cut = "<|end|><|user|>Why?<|end|><|assistant|>"},
        {.name = "Granite",
         .controls = {"<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"},
         .end = "<|end_of_text|>",
         .source = R"({%- if messages[0].role != 'system' -%}
    {{- '<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n' -}}
{%- endif -%}
{%- for m in messages -%}
    {{- '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\n' -}}
    {%- if loop.last and add_generation_prompt -%}{{- '<|start_of_role|>assistant<|end_of_role|>' -}}{%- endif -%}
{%- endfor -%})",
         .first = "<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n"
                  "<|start_of_role|>user<|end_of_role|>Who?<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
         .after_end = "\n<|start_of_role|>user<|end_of_role|>Why?<|end_of_text|>\n"
                      "<|start_of_role|>assistant<|end_of_role|>",
         .after_cut = "<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Why?<|end_of_text|>\n"
                      "<|start_of_role|>assistant<|end_of_role|>"},
        // Parts of an answer end with <|end|>, the whole with <|return|>, which no template writes between turns.
        {.name = "GptOss",
         .controls = {"<|startoftext|>", "<|return|>", "<|call|>", "<|start|>", "<|end|>", "<|message|>",
                      "<|channel|>"},
         .end = "<|return|>",
         .source =
             R"({{- '<|start|>system<|message|>Be brief.\n\nReasoning: ' + reasoning_effort|default('low') + '<|end|>' -}}
{%- for m in messages -%}
    {%- if m.role == 'assistant' -%}
        {{- '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|end|>' -}}
    {%- else -%}
        {{- '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|start|>assistant{%- endif -%})",
         .first = "<|start|>system<|message|>Be brief.\n\nReasoning: low<|end|><|start|>user<|message|>Who?<|end|>"
                  "<|start|>assistant",
         .after_end = "<|start|>user<|message|>Why?<|end|><|start|>assistant",
         .after_cut = "<|end|><|start|>user<|message|>Why?<|end|><|start|>assistant"},
        {.name = "DeepSeek2",
         .controls = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"},
         .end = "<｜end▁of▁sentence｜>",
         .adds_bos = true,
         .source = R"({{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ 'User: ' + m.content + '\n\n' }}
{%- elif m.role == 'assistant' %}{{ 'Assistant: ' + m.content + eos_token }}{% else %}{{ m.content + '\n\n' }}{% endif %}
{%- endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %})",
         .first = "<｜begin▁of▁sentence｜>User: Who?\n\nAssistant:",
         .after_end = "User: Why?\n\nAssistant:",
         .after_cut = "<｜end▁of▁sentence｜>User: Why?\n\nAssistant:"},
    };
}

}  // namespace

std::vector<ChatFamily> chat_families() {
    std::vector<ChatFamily> all;
    for (const auto & some : {llamas(), mistrals(), commands(), chatmls(), others()}) {
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

text::Vocabulary vocabulary_of(const ChatFamily & family) {
    constexpr std::int32_t control = 3;
    constexpr std::int32_t user_defined = 4;
    TinyVocabulary tiny = TinyVocabulary::bpe();
    const auto id_of = [&](const std::string & token) {
        const auto found = std::find(tiny.tokens.begin(), tiny.tokens.end(), token);
        return static_cast<std::uint32_t>(found - tiny.tokens.begin());
    };
    const auto add = [&](const std::string & token, std::int32_t type) {
        if (id_of(token) == tiny.tokens.size()) {
            tiny.add(token, type);
        }
    };
    for (const std::string & token : family.controls) {
        add(token, control);
    }
    for (const std::string & token : family.markers) {
        add(token, user_defined);
    }
    Writer writer = tiny.written();
    writer.u32("tokenizer.ggml.bos_token_id", id_of(family.controls.front()));
    writer.u32("tokenizer.ggml.eos_token_id", id_of(family.end));
    writer.boolean("tokenizer.ggml.add_bos_token", family.adds_bos);
    const TemporaryFile file(writer.bytes());
    return text::Vocabulary::load(gguf::File::open(file.path()));
}

}  // namespace snapkv::test
