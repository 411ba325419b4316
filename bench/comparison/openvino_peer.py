#!/usr/bin/env python3
"""Runs OpenVINO GenAI on a GGUF file once and prints one JSON object. Needs the package openvino-genai.

usage: openvino_peer.py MODEL THREADS [--evict ROWS] --prompt N --generate N | --document FILE --question TEXT

With --prompt: a prompt of N random tokens, after a short warm-up; prints prefill and decode tokens a second. With
--document: answers the question in the model's chat template; prints the answer.
"""
import argparse
import json
import random


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("threads", type=int)
    parser.add_argument("--evict", type=int, default=0)
    parser.add_argument("--prompt", type=int)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--document")
    parser.add_argument("--question")
    return parser.parse_args()


def scheduler(genai, rows):
    """Eviction to `rows` tokens a layer, a quarter of them the latest ones; the library's own defaults otherwise."""
    config = genai.SchedulerConfig()
    config.use_cache_eviction = True
    config.cache_eviction_config = genai.CacheEvictionConfig(
        start_size=32, recent_size=rows // 4, max_cache_size=rows, aggregation_mode=genai.AggregationMode.NORM_SUM)
    config.enable_prefix_caching = False
    return config


def random_tokens(count):
    import numpy
    import openvino

    chosen = random.Random(1)
    ids = numpy.array([[chosen.randrange(1000, 20000) for _ in range(count)]], dtype=numpy.int64)
    return openvino.Tensor(ids), openvino.Tensor(numpy.ones_like(ids))


def measure(genai, pipe, args):
    config = genai.GenerationConfig()
    config.ignore_eos = True
    config.do_sample = False
    config.apply_chat_template = False
    for prompt, generate in ((64, 2), (args.prompt, args.generate)):
        config.max_new_tokens = generate
        result = pipe.generate(genai.TokenizedInputs(*random_tokens(prompt)), config)
    metrics = result.perf_metrics
    if metrics.get_num_generated_tokens() != args.generate:
        raise RuntimeError(f"{metrics.get_num_generated_tokens()} tokens came, expected {args.generate}")
    return {"prefill": 1000 * args.prompt / metrics.get_ttft().mean, "decode": 1000 / metrics.get_tpot().mean}


def answer(genai, pipe, args):
    config = genai.GenerationConfig()
    config.max_new_tokens = args.generate
    config.do_sample = False
    with open(args.document, encoding="utf-8") as file:
        document = file.read()
    return {"answer": str(pipe.generate(f"{document}\n\n{args.question}", config))}


def main():
    import openvino_genai as genai

    args = arguments()
    options = {"INFERENCE_NUM_THREADS": args.threads}
    if args.evict:
        options["scheduler_config"] = scheduler(genai, args.evict)
    pipe = genai.LLMPipeline(args.model, "CPU", **options)
    print(json.dumps(answer(genai, pipe, args) if args.document else measure(genai, pipe, args)))


if __name__ == "__main__":
    main()
