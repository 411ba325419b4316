"""Medians, tables and the ratios that the project holds itself to."""
import statistics

MEBI = 1 << 20


class Results:
    """Samples by (peer, length, what): prefill and decode in tokens a second, resident and cache in bytes. Decode is
    that after `length` tokens."""

    def __init__(self):
        self.samples = {}
        self.failures = {}  # by peer: why it has no row
        self.answers = {}  # by peer: (text, whether it holds the expected word), or None

    def add(self, peer, length, values):
        for what, value in values.items():
            self.samples.setdefault((peer, length, what), []).append(value)

    def median(self, peer, length, what):
        found = self.samples.get((peer, length, what))
        return statistics.median(found) if found else None

    def rate(self, peer, length, what):
        """"median (least to most)" """
        found = self.samples.get((peer, length, what))
        if not found:
            return "-"
        middle = statistics.median(found)
        digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
        if len(found) == 1:
            return f"{middle:.{digits}f}"
        return f"{middle:.{digits}f} ({min(found):.{digits}f} to {max(found):.{digits}f})"

    def mebibytes(self, peer, length, what):
        found = self.median(peer, length, what)
        return "-" if found is None else f"{found / MEBI:.0f}" if found >= 100 * MEBI else f"{found / MEBI:.1f}"

    def best(self, peers, length, what):
        """The largest median of several peers and whose it is."""
        found = [(self.median(peer.name, length, what), peer.name) for peer in peers]
        found = [each for each in found if each[0] is not None]
        return max(found) if found else (None, None)


def main_table(results, peers, lengths):
    lines = ["| | prompt | prefill tok/s | decode tok/s after it | K/V, MiB | peak resident, MiB |",
             "|---|---:|---:|---:|---:|---:|"]
    for length in lengths:
        for peer in peers:
            if any((peer.name, length, what) in results.samples for what in ("prefill", "decode")):
                lines.append(f"| {peer.name} | {length} | {results.rate(peer.name, length, 'prefill')} "
                             f"| {results.rate(peer.name, length, 'decode')} "
                             f"| {results.mebibytes(peer.name, length, 'cache')} "
                             f"| {results.mebibytes(peer.name, length, 'resident')} |")
    return lines + [f"| {name} | | did not run: {reason} | | | |" for name, reason in results.failures.items()]


def depth_table(results, peers, depths):
    lines = ["| decode tok/s | " + " | ".join(f"depth {depth}" for depth in depths) + " |",
             "|---|" + "---:|" * len(depths)]
    for peer in peers:
        if any((peer.name, depth, "decode") in results.samples for depth in depths):
            rates = [results.rate(peer.name, depth, "decode") for depth in depths]
            lines.append(f"| {peer.name} | " + " | ".join(rates) + " |")
    return lines if len(lines) > 2 else []


def answer_table(results):
    lines = ["| | answer | holds the expected word |", "|---|---|---|"]
    for name, found in results.answers.items():
        if found is None:
            lines.append(f"| {name} | not asked | |")
        else:
            text = found[0].replace("\n", " ").replace("|", "\\|").strip()[:120]
            lines.append(f"| {name} | {text} | {'yes' if found[1] else 'no'} |")
    return lines


def least_memory(results, others, ours, length):
    """How many times more memory the most frugal of the others holds."""
    theirs = [(results.median(peer.name, length, "resident"), peer.name) for peer in others]
    mine = [results.median(peer.name, length, "resident") for peer in ours]
    theirs, mine = [each for each in theirs if each[0]], [each for each in mine if each]
    return (min(theirs)[0] / min(mine), min(theirs)[1]) if theirs and mine else (None, None)


def limits(results, peers, lengths, machine):
    """Rows like those of ratios(): decode against the time to read its weights, and its cache, once."""
    full = [peer for peer in peers if not peer.baseline and not peer.compressed]
    rows = []
    for depth, what, least in ((0, "the weights", 0.85), (max(lengths), "weights and cache", 0.65)):
        rate, _ = results.best(full, depth, "decode")
        share = None
        if rate and machine["read"]:
            share = rate * (machine["weights"] + depth * machine["bytes_per_token"]) / machine["read"]
        rows.append((f"full-cache decode at depth {depth} against reading {what} once",
                     (share, f"{machine['read'] / 1e9:.1f} GB/s" if share else None), least))
    return rows


def ratios(results, peers, lengths):
    """Rows (what, measured ratio or None, at least) of the targets that this run has the figures for."""
    ours = [peer for peer in peers if not peer.baseline]
    full = [peer for peer in ours if not peer.compressed]
    small = [peer for peer in ours if peer.compressed]
    llama = [peer for peer in peers if peer.family == "llama.cpp"]
    others = [peer for peer in peers if peer.baseline and not peer.compressed]
    openvino = [peer for peer in others if peer.family == "OpenVINO"]
    evicting = [peer for peer in peers if peer.baseline and peer.compressed]
    longest, shortest = max(lengths), min(lengths)

    def ratio(one, length, other, other_length, what):
        above, _ = results.best(one, length, what)
        below, name = results.best(other, other_length, what)
        return (above / below, name) if above and below else (None, None)

    return [
        (f"prefill of {longest} against OpenVINO GenAI", ratio(ours, longest, openvino, longest, "prefill"), 1.0),
        (f"prefill of {shortest} against OpenVINO GenAI", ratio(ours, shortest, openvino, shortest, "prefill"), 1.0),
        (f"prefill of {shortest} against llama.cpp's best", ratio(ours, shortest, llama, shortest, "prefill"), 1.4),
        ("decode at depth 0 against llama.cpp's better mode", ratio(full, 0, llama, 0, "decode"), 1.5),
        (f"full-cache decode at depth {longest} against the best peer", ratio(full, longest, others, longest, "decode"),
         2.0),
        (f"compressed decode after {longest} against the best peer's full cache",
         ratio(small, longest, others, longest, "decode"), 4.0),
        (f"compressed decode after {longest} against OpenVINO evicting",
         ratio(small, longest, evicting, longest, "decode"), 2.5),
        (f"compressed decode after {longest} against llama.cpp at depth 1024",
         ratio(small, longest, llama, 1024, "decode"), 1.5),
        (f"least resident memory of llama.cpp's prefills of {longest} over ours, compressed",
         least_memory(results, llama, small, longest), 3.0),
    ]


def ratio_table(rows):
    lines = ["| what | measured | beside | at least |", "|---|---:|---|---:|"]
    for what, (measured, name), least in rows:
        if measured is not None:
            lines.append(f"| {what} | {measured:.2f} x | {name} | {least} x |")
    return lines
