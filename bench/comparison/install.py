"""Brings the peers, each once, into .deps/peers beside what scripts/setup brought. A failure is reported, not fatal."""
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DEPS = Path(os.environ.get("SNAPKV_DEPS", ROOT / ".deps"))
PEERS = DEPS / "peers"
SMALL_MODEL = DEPS / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
# How llama.cpp is compiled when everything is held to AVX2, as scripts/setup --avx2 does it.
AVX2_FLAGS = ["-DGGML_NATIVE=OFF", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=ON"]
preset = "release"


class Unavailable(Exception):
    """A peer that cannot be had here, and why."""


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def hold_to_avx2():
    """From now on everything uses AVX2 at most: the presets of that name, and oneDNN, which OpenVINO is built on."""
    global preset
    preset = "avx2"
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"


def built(name):
    """A program of ours."""
    folder = {"snapkv": "apps/cli", "micro": "bench/micro", "llama_peer": "bench"}[name]
    return ROOT / "build" / preset / folder / name


def versions():
    """The assignments of scripts/versions.sh."""
    lines = (ROOT / "scripts" / "versions.sh").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def run(command, log, what):
    """Runs a step of an installation; its output goes to `log`."""
    with open(log, "a", encoding="utf-8") as file:
        done = subprocess.run([str(part) for part in command], stdout=file, stderr=file, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{what} failed; {log} says why")


def build_ours():
    """The program, the in-process libllama that answers the question, and what both are built from."""
    PEERS.mkdir(parents=True, exist_ok=True)
    say("setting up and building snapkv (some minutes the first time)")
    setup = ["scripts/setup", "--tests", *(["--avx2"] if preset == "avx2" else [])]
    run(setup, PEERS / "setup.log", " ".join(setup))
    run(["bash", "-c", f"set -e; . scripts/build.sh; build {preset} snapkv_cli llama_peer micro"], PEERS / "snapkv.log",
        "building snapkv")


def llama_tools():
    """The folder with llama-bench and llama-quantize, compiled from the pinned tree."""
    source = ROOT / "bench" / "comparison" / "llama"
    avx2 = preset == "avx2"
    prefix = PEERS / ("llama-avx2" if avx2 else "llama")
    flags = AVX2_FLAGS if avx2 else []
    stamp = hashlib.sha256((source / "CMakeLists.txt").read_bytes() + versions()["llama_sha256"].encode() +
                           "".join(flags).encode()).hexdigest()
    mark = prefix / ".stamp"
    if mark.is_file() and mark.read_text(encoding="utf-8") == stamp:
        return prefix / "bin"
    say("compiling llama.cpp's tools (some minutes, once)")
    PEERS.mkdir(parents=True, exist_ok=True)
    log, build = PEERS / "llama.log", PEERS / "build-llama"
    run(["cmake", "-S", source, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         f"-DLLAMA_TREE={DEPS / 'llama.cpp'}", f"-DCMAKE_INSTALL_PREFIX={prefix}", *flags], log,
        "configuring llama.cpp")
    run(["cmake", "--build", build, "--target", "install"], log, "compiling llama.cpp")
    run(["rm", "-rf", build], log, "tidying up")
    mark.write_text(stamp, encoding="utf-8")
    return prefix / "bin"


def openvino():
    """The Python of a virtual environment that has OpenVINO GenAI."""
    version = versions()["openvino_genai_version"]
    folder = PEERS / f"openvino-{version}"
    python, mark = folder / "bin" / "python", folder / ".complete"
    if not mark.is_file():
        say(f"installing openvino-genai {version}")
        PEERS.mkdir(parents=True, exist_ok=True)
        log = PEERS / "openvino.log"
        run([sys.executable, "-m", "venv", "--clear", folder], log, "making a virtual environment")
        run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"openvino-genai=={version}"], log,
            "installing openvino-genai")
        mark.touch()
    return python


def whole_file(path, make):
    """`path`, made by make(temporary name) if it is not there yet."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.unlink(missing_ok=True)
        make(part)
        part.rename(path)
    return path


def as_q4_0(model, tools):
    """The model in the type that llama.cpp prefills fastest, by llama.cpp's own quantiser."""
    path = PEERS / (model.stem.rsplit(".", 1)[0] + ".Q4_0.gguf")
    command = [tools / "llama-quantize", "--allow-requantize", model]
    return whole_file(path, lambda part: run([*command, part, "Q4_0"], PEERS / "quantize.log", "quantising"))


def random_model(shape):
    """Random weights in a real shape, Q4_0, with the small model's tokenizer, which every peer reads."""
    path = PEERS / f"{shape}-random.Q4_0.gguf"
    command = [built("snapkv"), "make-model", "--shape", shape, "--type", "q4_0", "--vocab", SMALL_MODEL, "-o"]
    return whole_file(path, lambda part: run([*command, part], PEERS / "make-model.log", "making a random model"))
