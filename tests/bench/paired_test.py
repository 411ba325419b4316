#!/usr/bin/env python3
"""Tests of bench/paired: tables of small journals whose figures can be worked out by hand."""
import json
import lzma
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

PAIRED = Path(__file__).resolve().parents[2] / "bench" / "paired"


def answer(variant: str, task: str, sample: str, *scores: float) -> dict[str, Any]:
    return {"variant": variant, "part": task, "sample": sample, "scores": dict(enumerate(scores))}


def followed(variant: str, sample: str, divergence: list[float], agreed: list[int]) -> dict[str, Any]:
    return {"variant": variant, "sample": sample, "full": False, "divergence": divergence, "agreed": agreed,
            "got": [-2.0] * len(divergence), "expected": [-1.0] * len(divergence)}


class Paired(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def journal(self, records: list[dict[str, Any]], name: str = "results.jsonl") -> Path:
        path = self.folder / name
        text = "".join(json.dumps(record) + "\n" for record in [{"settings": {}}, *records])
        path.write_bytes(lzma.compress(text.encode()) if path.suffix == ".xz" else text.encode())
        return path

    def run_paired(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, PAIRED, *arguments], capture_output=True, text=True, check=False)

    def table(self, *arguments: str | Path) -> list[list[str]]:
        """The cells of the Markdown that it prints, its rule left out."""
        ran = self.run_paired("--markdown", *arguments)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        lines = [line.strip("| ").split(" | ") for line in ran.stdout.splitlines()]
        return [line for line in lines if not line[0].startswith("---")]

    def answers(self) -> list[dict[str, Any]]:
        """The short kernel loses half of every prompt of one task; the wide one gains what is left to gain."""
        records = []
        for sample in ("1", "2", "3", "4"):
            for task, full, short, wide in (("copy", 1.0, 0.5, 1.0), ("count", 0.5, 0.5, 1.0)):
                records += [answer("full, f16", task, sample, full),
                            answer("snapkv 64, kernel:3,3", task, sample, short),
                            answer("snapkv 64, kernel:15,15", task, sample, wide),
                            answer("snapkv 256, kernel:3,3", task, sample, full)]
        return records

    def test_answers_are_means_over_tasks_and_differences_over_prompts(self) -> None:
        table = self.table(self.journal(self.answers()))
        self.assertEqual(table[0], ["cache", "copy", "count", "mean", "against full"])
        self.assertIn(["full, f16", "100.0", "50.0", "75.0", ""], [[*row, ""][:5] for row in table])
        self.assertIn(["snapkv 64, kernel:3,3", "50.0", "50.0", "50.0", "-25.0 (-25.0 to -25.0)"], table)
        self.assertIn(["snapkv 64, kernel:15,15", "100.0", "100.0", "100.0", "+25.0 (+25.0 to +25.0)"], table)

    def test_differences_are_between_caches_of_equal_rows(self) -> None:
        table = {row[0]: row[-1] for row in self.table(self.journal(self.answers()), "--to", "kernel:3,3")}
        self.assertEqual(table["snapkv 64, kernel:15,15"], "+50.0 (+50.0 to +50.0)")
        self.assertNotIn("(", table["snapkv 256, kernel:3,3"])

    def test_the_interval_holds_what_the_prompts_vary_by(self) -> None:
        records = []
        for sample in range(20):  # one of four is lost
            records += [answer("full, f16", "copy", str(sample), 1),
                        answer("auto 64", "copy", str(sample), sample % 4 != 0)]
        path = self.journal(records)
        table = self.table(path)
        difference, bounds = table[-1][-1].split(" ", 1)
        low, high = (float(bound) for bound in bounds.strip("()").split(" to "))
        self.assertEqual(difference, "-25.0")
        self.assertTrue(-50 <= low < -30 and -20 < high <= 0, table)
        self.assertEqual(self.table(path), table)  # the same draws each time

    def test_prompts_that_only_one_cache_answered_do_not_count(self) -> None:
        records = [answer("full, f16", "copy", "1", 1), answer("full, f16", "copy", "2", 1),
                   answer("auto 64", "copy", "1", 0.5)]
        self.assertEqual(self.table(self.journal(records))[-1][-1], "-50.0 (-50.0 to -50.0)")

    def test_common_prompts_are_those_that_every_cache_answered(self) -> None:
        records = [answer("full, f16", "copy", "1", 1), answer("full, f16", "copy", "2", 0),
                   answer("full, f16", "count", "1", 1), answer("auto 64", "copy", "1", 0.5)]
        path = self.journal(records)
        self.assertIn("nan", self.table(path)[-1])  # no answer to count with
        self.assertEqual(self.table("--common", path),
                         [["cache", "copy", "mean", "against full"], ["full, f16", "100.0", "100.0"],
                          ["auto 64", "50.0", "50.0", "-50.0 (-50.0 to -50.0)"]])
        apart = self.journal([answer("full, f16", "copy", "1", 1), answer("auto 64", "copy", "2", 1)], "apart.jsonl")
        self.assertIn("no prompt has an answer", self.run_paired("--common", apart).stderr)

    def test_divergence_is_a_ratio_of_sums(self) -> None:
        records = []
        for sample, scale in (("1", 1.0), ("2", 3.0)):
            records += [followed("snapkv 64", sample, [0.1 * scale, 0.3 * scale], [1, 0]),
                        followed("auto 64", sample, [0.2 * scale, 0.6 * scale], [0, 1])]
        table = self.table(self.journal(records))
        self.assertEqual(table[0][-1], "x snapkv")
        snapkv, auto = table[1], table[2]
        self.assertEqual(auto[1:3], ["0.8000", "0.8000"])
        self.assertEqual(auto[4:], ["2.718", "50.0", "0 of 2", "2.00 (2.00 to 2.00)"])
        self.assertEqual(snapkv[1], "0.4000")
        self.assertEqual(snapkv[6], "2 of 2")

    def test_reads_several_journals_compressed_or_not(self) -> None:
        records = self.answers()
        whole = self.table(self.journal(records))
        parts = [self.journal(records[:10], "a.jsonl"), self.journal(records[10:], "b.jsonl.xz")]
        self.assertEqual(self.table(*parts), whole)

    def test_says_what_is_wrong(self) -> None:
        path = self.journal(self.answers())
        for arguments, says in (([path, path], "same names"), ([path, "--to", "pyramid"], "expected one of"),
                                ([self.folder / "none.jsonl"], "none.jsonl"),
                                ([self.journal([], "empty.jsonl")], "no answers")):
            ran = self.run_paired(*arguments)
            self.assertEqual(ran.returncode, 1)
            self.assertIn(says, ran.stderr)
            self.assertNotIn("Traceback", ran.stderr)


if __name__ == "__main__":
    unittest.main()
