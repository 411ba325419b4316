"""What is compared: how each peer is asked for prefill, decode at a depth and an answer."""
import json
from dataclasses import dataclass
from pathlib import Path

from . import install, process


ANSWER_TOKENS = 40


@dataclass
class Task:
    """What all peers have in common."""
    threads: int
    generate: int  # steps of decode
    timeout: int
    document: Path
    question: str
    bytes_per_token: int = 0  # of a full f16 cache


@dataclass
class Peer:
    """A program on a model file. Each method is one process; failures raise process.Failed."""
    name: str
    model: Path
    task: Task
    family: str = ""    # peers that are modes of one program: the best of them counts
    baseline: bool = True  # not ours
    compressed: bool = False

    def run(self, *command):
        return process.run(command, self.task.timeout)

    def prefill(self, length):
        """{"prefill"} in tokens a second, {"resident", "cache"} in bytes."""
        raise NotImplementedError

    def decode(self, depth):
        """{"decode"} in tokens a second."""
        raise NotImplementedError

    def measure(self, length, only):
        """Both, or the one that `only` names."""
        return (self.prefill(length) if only != "decode" else {}) | (self.decode(length) if only != "prefill" else {})

    def answer(self):
        raise NotImplementedError


@dataclass
class Snapkv(Peer):
    budget: int = 0  # 0: the full cache

    def __post_init__(self):
        self.family, self.baseline, self.compressed = "snapkv", False, self.budget > 0
        policy = ["--kv-policy", "snapkv", "--kv-budget", self.budget] if self.budget else ["--kv-policy", "full"]
        self.flags = ["-m", self.model, "-t", self.task.threads, *policy]

    def bench(self, *flags):
        text, resident = self.run(install.built("snapkv"), "bench", *self.flags, "-r", 1, "-o", "json", *flags)
        return json.loads(text)[-1], resident

    def prefill(self, length):
        row, resident = self.bench("-p", length, "-n", 0)
        return {"prefill": row["median_ts"], "resident": resident, "cache": row["cache_bytes"]}

    def decode(self, depth):
        return {"decode": self.bench("-p", 0, "-n", self.task.generate, "-d", depth)[0]["median_ts"]}

    def answer(self):
        text, _ = self.run(install.built("snapkv"), "run", *self.flags, "-f", self.task.document, "-q",
                           self.task.question, "-n", ANSWER_TOKENS, "--json")
        return json.loads(text)["text"]


@dataclass
class LlamaBench(Peer):
    program: Path = None
    flash: int = 0
    answers: bool = True  # libllama in process, of the same sources, answers for it

    def bench(self, *flags):
        # A short prompt first warms the weights up; llama-bench's own warm-up would read the whole prompt twice.
        text, resident = self.run(self.program, "-m", self.model, "-t", self.task.threads, "-fa", self.flash,
                                  "--no-warmup", "-r", 1, "-o", "json", *flags)
        return json.loads(text)[-1]["avg_ts"], resident

    def prefill(self, length):
        rate, resident = self.bench("-p", f"64,{length}", "-n", 0)
        return {"prefill": rate, "resident": resident, "cache": length * self.task.bytes_per_token}

    def decode(self, depth):
        steps = self.task.generate if depth > 0 else f"2,{self.task.generate}"
        return {"decode": self.bench("-p", 0, "-n", steps, "-d", depth)[0]}

    def answer(self):
        if not self.answers:
            return None
        text, _ = self.run(install.built("llama_peer"), self.model, self.task.document, self.task.question,
                           ANSWER_TOKENS, self.task.threads)
        return json.loads(text)["text"]


@dataclass
class OpenVino(Peer):
    python: Path = None
    evict: int = 0

    def __post_init__(self):
        self.family, self.compressed = "OpenVINO", self.evict > 0

    def script(self, *flags):
        text, resident = self.run(self.python, Path(__file__).with_name("openvino_peer.py"), self.model,
                                  self.task.threads, "--evict", self.evict, *flags)
        return json.loads(text.strip().splitlines()[-1]), resident

    def measured(self, length):
        return self.script("--prompt", length, "--generate", self.task.generate)

    def prefill(self, length):
        result, resident = self.measured(length)
        return {"prefill": result["prefill"], "resident": resident}  # how large its cache is, it does not say

    def decode(self, depth):
        return {"decode": self.measured(max(depth, 1))[0]["decode"]}

    def measure(self, length, only):
        if only:
            return super().measure(length, only)
        result, resident = self.measured(length)  # one process measures both
        return result | {"resident": resident}

    def answer(self):
        return self.script("--document", self.task.document, "--question", self.task.question, "--generate",
                           ANSWER_TOKENS)[0]["answer"]
