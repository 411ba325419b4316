# bash completion for snapkv: made by `snapkv completion bash`
_snapkv() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W 'run show perplexity inspect bench eval observe make-model policies completion -h --help --version' -- "$word"))
    return
  fi
  case ${COMP_WORDS[1]} in
    run)
      options='-m --model -f --file -p --prompt -q --question -sys --system-prompt -sysf --system-prompt-file --chat-template --chat-template-file --raw --parse-special --truncate -n --n-predict -s --seed --temp --top-k --top-p --min-p --repeat-penalty --frequency-penalty --presence-penalty --grammar --grammar-file -j --json-schema -jf --json-schema-file --logprobs --stop --kv-policy --kv-budget --kv-window --kv-recent --kv-evidence --kv-allocation --kv-cluster --kv-kernel --kv-pool --kv-group --kv-sink --kv-evict --kv-tail-budget --kv-type --kv-type-k --kv-type-v --kv-rotate --save-kv --snapshots --load-kv --json --dry-run --dump-kept -c --ctx-size --allow-long -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -f | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -p | --prompt) COMPREPLY=(); return ;;
        -q | --question) COMPREPLY=(); return ;;
        -sys | --system-prompt) COMPREPLY=(); return ;;
        -sysf | --system-prompt-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --chat-template) COMPREPLY=(); return ;;
        --chat-template-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --truncate) COMPREPLY=($(compgen -W 'error middle' -- "$word")); return ;;
        -n | --n-predict) COMPREPLY=(); return ;;
        -s | --seed) COMPREPLY=(); return ;;
        --temp) COMPREPLY=(); return ;;
        --top-k) COMPREPLY=(); return ;;
        --top-p) COMPREPLY=(); return ;;
        --min-p) COMPREPLY=(); return ;;
        --repeat-penalty) COMPREPLY=(); return ;;
        --frequency-penalty) COMPREPLY=(); return ;;
        --presence-penalty) COMPREPLY=(); return ;;
        --grammar) COMPREPLY=(); return ;;
        --grammar-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -j | --json-schema) COMPREPLY=(); return ;;
        -jf | --json-schema-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --logprobs) COMPREPLY=(); return ;;
        --stop) COMPREPLY=(); return ;;
        --kv-policy) COMPREPLY=($(compgen -W 'full snapkv auto streaming tova h2o scissorhands ada keydiff chunk dropkv pyramid lava' -- "$word")); return ;;
        --kv-budget) COMPREPLY=(); return ;;
        --kv-window) COMPREPLY=(); return ;;
        --kv-recent) COMPREPLY=(); return ;;
        --kv-evidence) COMPREPLY=($(compgen -W 'auto mean rms top4 max max-floor recency accumulated pivotal none keys output values' -- "$word")); return ;;
        --kv-allocation) COMPREPLY=($(compgen -W 'auto even heads pyramid entropy global' -- "$word")); return ;;
        --kv-cluster) COMPREPLY=(); return ;;
        --kv-kernel) COMPREPLY=(); return ;;
        --kv-pool) COMPREPLY=($(compgen -W 'auto max avg none' -- "$word")); return ;;
        --kv-group) COMPREPLY=($(compgen -W 'auto mean max sum layer' -- "$word")); return ;;
        --kv-sink) COMPREPLY=(); return ;;
        --kv-evict) COMPREPLY=($(compgen -W 'auto on off' -- "$word")); return ;;
        --kv-tail-budget) COMPREPLY=(); return ;;
        --kv-type) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-k) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-v) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-rotate) COMPREPLY=($(compgen -W 'on off' -- "$word")); return ;;
        --save-kv) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --snapshots) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --load-kv) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --dump-kept) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -c | --ctx-size) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    show)
      options='-m --model -f --file -p --prompt -q --question -sys --system-prompt -sysf --system-prompt-file --chat-template --chat-template-file --raw --parse-special --truncate --kv-policy --kv-budget --kv-window --kv-recent --kv-evidence --kv-allocation --kv-cluster --kv-kernel --kv-pool --kv-group --kv-sink --kv-evict --kv-tail-budget --kv-type --kv-type-k --kv-type-v --kv-rotate --html -c --ctx-size --allow-long -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -f | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -p | --prompt) COMPREPLY=(); return ;;
        -q | --question) COMPREPLY=(); return ;;
        -sys | --system-prompt) COMPREPLY=(); return ;;
        -sysf | --system-prompt-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --chat-template) COMPREPLY=(); return ;;
        --chat-template-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --truncate) COMPREPLY=($(compgen -W 'error middle' -- "$word")); return ;;
        --kv-policy) COMPREPLY=($(compgen -W 'full snapkv auto streaming tova h2o scissorhands ada keydiff chunk dropkv pyramid lava' -- "$word")); return ;;
        --kv-budget) COMPREPLY=(); return ;;
        --kv-window) COMPREPLY=(); return ;;
        --kv-recent) COMPREPLY=(); return ;;
        --kv-evidence) COMPREPLY=($(compgen -W 'auto mean rms top4 max max-floor recency accumulated pivotal none keys output values' -- "$word")); return ;;
        --kv-allocation) COMPREPLY=($(compgen -W 'auto even heads pyramid entropy global' -- "$word")); return ;;
        --kv-cluster) COMPREPLY=(); return ;;
        --kv-kernel) COMPREPLY=(); return ;;
        --kv-pool) COMPREPLY=($(compgen -W 'auto max avg none' -- "$word")); return ;;
        --kv-group) COMPREPLY=($(compgen -W 'auto mean max sum layer' -- "$word")); return ;;
        --kv-sink) COMPREPLY=(); return ;;
        --kv-evict) COMPREPLY=($(compgen -W 'auto on off' -- "$word")); return ;;
        --kv-tail-budget) COMPREPLY=(); return ;;
        --kv-type) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-k) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-v) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-rotate) COMPREPLY=($(compgen -W 'on off' -- "$word")); return ;;
        --html) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -c | --ctx-size) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    perplexity)
      options='-m --model -f --file --json -c --ctx-size --allow-long -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -f | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -c | --ctx-size) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    inspect)
      options='--kv-budget --kv-type --kv-type-k --kv-type-v --json -v --verbose -h --help --version'
      case $before in
        --kv-budget) COMPREPLY=(); return ;;
        --kv-type) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-k) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
        --kv-type-v) COMPREPLY=($(compgen -W 'f32 f16 bf16 q8_0 q4_0' -- "$word")); return ;;
      esac
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); else COMPREPLY=($(compgen -f -- "$word")); fi
      ;;
    bench)
      options='-m --model --kv-window --kv-recent --kv-evidence --kv-cluster --kv-kernel --kv-pool --kv-group --kv-sink --kv-rotate -p --n-prompt -n --n-gen --n-parallel -d --n-depth -r --repetitions --no-warmup -o --output --kv-policy --kv-budget --kv-type -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --kv-window) COMPREPLY=(); return ;;
        --kv-recent) COMPREPLY=(); return ;;
        --kv-evidence) COMPREPLY=($(compgen -W 'auto mean rms top4 max max-floor recency accumulated pivotal none keys output values' -- "$word")); return ;;
        --kv-cluster) COMPREPLY=(); return ;;
        --kv-kernel) COMPREPLY=(); return ;;
        --kv-pool) COMPREPLY=($(compgen -W 'auto max avg none' -- "$word")); return ;;
        --kv-group) COMPREPLY=($(compgen -W 'auto mean max sum layer' -- "$word")); return ;;
        --kv-sink) COMPREPLY=(); return ;;
        --kv-rotate) COMPREPLY=($(compgen -W 'on off' -- "$word")); return ;;
        -p | --n-prompt) COMPREPLY=(); return ;;
        -n | --n-gen) COMPREPLY=(); return ;;
        --n-parallel) COMPREPLY=(); return ;;
        -d | --n-depth) COMPREPLY=(); return ;;
        -r | --repetitions) COMPREPLY=(); return ;;
        -o | --output) COMPREPLY=($(compgen -W 'md json csv' -- "$word")); return ;;
        --kv-policy) COMPREPLY=(); return ;;
        --kv-budget) COMPREPLY=(); return ;;
        --kv-type) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    eval)
      options='-m --model -f --file -q --question --chat-template --chat-template-file --raw --lengths --depths --lines --samples -n --n-predict --needle --expect --tasks --data --squad --hotpotqa --skip-broken --prefills --hide-question --no-answer-prefix -s --seed --policies --kv-policy --budgets --kv-budget --kv-window --kv-recent --kv-evidence --kv-allocation --kv-cluster --kv-kernel --kv-pool --kv-group --kv-sink --kv-evict --kv-tail-budget --kv-type --kv-rotate -o --output -c --ctx-size --allow-long -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -f | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -q | --question) COMPREPLY=(); return ;;
        --chat-template) COMPREPLY=(); return ;;
        --chat-template-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --lengths) COMPREPLY=(); return ;;
        --depths) COMPREPLY=(); return ;;
        --lines) COMPREPLY=(); return ;;
        --samples) COMPREPLY=(); return ;;
        -n | --n-predict) COMPREPLY=(); return ;;
        --needle) COMPREPLY=(); return ;;
        --expect) COMPREPLY=(); return ;;
        --tasks) COMPREPLY=(); return ;;
        --data) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --squad) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --hotpotqa) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --prefills) COMPREPLY=($(compgen -W 'shared each' -- "$word")); return ;;
        -s | --seed) COMPREPLY=(); return ;;
        --policies | --kv-policy) COMPREPLY=(); return ;;
        --budgets | --kv-budget) COMPREPLY=(); return ;;
        --kv-window) COMPREPLY=(); return ;;
        --kv-recent) COMPREPLY=(); return ;;
        --kv-evidence) COMPREPLY=(); return ;;
        --kv-allocation) COMPREPLY=(); return ;;
        --kv-cluster) COMPREPLY=(); return ;;
        --kv-kernel) COMPREPLY=(); return ;;
        --kv-pool) COMPREPLY=(); return ;;
        --kv-group) COMPREPLY=(); return ;;
        --kv-sink) COMPREPLY=(); return ;;
        --kv-evict) COMPREPLY=(); return ;;
        --kv-tail-budget) COMPREPLY=(); return ;;
        --kv-type) COMPREPLY=(); return ;;
        --kv-rotate) COMPREPLY=(); return ;;
        -o | --output) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -c | --ctx-size) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); else COMPREPLY=($(compgen -W 'needle lines longbench ruler fidelity' -- "$word")); fi
      ;;
    observe)
      options='-m --model -f --file -q --question --chat-template --chat-template-file --raw --kv-cluster --kv-kernel --kv-pool --kv-group -n --n-predict --windows --kv-window --threshold --budgets --kv-budget -o --output -c --ctx-size --allow-long -t --threads -tb --threads-batch -b --batch-size --attention --products --rope-scaling --rope-scale --rope-freq-base --yarn-orig-ctx -v --verbose -h --help --version'
      case $before in
        -m | --model) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -f | --file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -q | --question) COMPREPLY=(); return ;;
        --chat-template) COMPREPLY=(); return ;;
        --chat-template-file) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --kv-cluster) COMPREPLY=(); return ;;
        --kv-kernel) COMPREPLY=(); return ;;
        --kv-pool) COMPREPLY=($(compgen -W 'auto max avg none' -- "$word")); return ;;
        --kv-group) COMPREPLY=($(compgen -W 'auto mean max sum layer' -- "$word")); return ;;
        -n | --n-predict) COMPREPLY=(); return ;;
        --windows) COMPREPLY=(); return ;;
        --kv-window) COMPREPLY=(); return ;;
        --threshold) COMPREPLY=(); return ;;
        --budgets | --kv-budget) COMPREPLY=(); return ;;
        -o | --output) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -c | --ctx-size) COMPREPLY=(); return ;;
        -t | --threads) COMPREPLY=(); return ;;
        -tb | --threads-batch) COMPREPLY=(); return ;;
        -b | --batch-size) COMPREPLY=(); return ;;
        --attention) COMPREPLY=($(compgen -W 'cpu portable' -- "$word")); return ;;
        --products) COMPREPLY=($(compgen -W 'auto stored int8 widened widened-f32' -- "$word")); return ;;
        --rope-scaling) COMPREPLY=($(compgen -W 'none linear yarn' -- "$word")); return ;;
        --rope-scale) COMPREPLY=(); return ;;
        --rope-freq-base) COMPREPLY=(); return ;;
        --yarn-orig-ctx) COMPREPLY=(); return ;;
      esac
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); else COMPREPLY=($(compgen -W 'windows generation instructions position budget missed' -- "$word")); fi
      ;;
    make-model)
      options='-o --output --shape --type --layers --vocab -s --seed --suffix --force -h --help --version'
      case $before in
        -o | --output) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --shape) COMPREPLY=($(compgen -W 'tiny smollm2-135m llama-2-7b mistral-7b llama-3-8b mixtral-8x7b command-r qwen3-8b retrieval' -- "$word")); return ;;
        --type) COMPREPLY=($(compgen -W 'f32 f16 bf16 q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k iq4_nl' -- "$word")); return ;;
        --layers) COMPREPLY=(); return ;;
        --vocab) COMPREPLY=($(compgen -f -- "$word")); return ;;
        -s | --seed) COMPREPLY=(); return ;;
        --suffix) COMPREPLY=(); return ;;
      esac
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    policies)
      options='--json -h --help --version'
      COMPREPLY=($(compgen -W "$options" -- "$word"))
      ;;
    completion)
      options='-h --help --version'
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$options" -- "$word")); else COMPREPLY=($(compgen -W 'bash zsh fish' -- "$word")); fi
      ;;
  esac
}
complete -o filenames -F _snapkv snapkv
