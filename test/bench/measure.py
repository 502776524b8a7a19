"""Measuring in one run: two sides take turns, medians are compared, and each goal is judged."""
import json
import os
import re
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Optional

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "bench")


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


@dataclass
class Result:
    name: str
    value: float
    unit: str
    baseline: Optional[float]  # None where the goal is a number by itself
    ratio: Optional[float]     # value / baseline
    goal: str
    met: bool


def at_least(name, value, unit, baseline, share):
    """More is better: value >= share x baseline."""
    ratio = value / baseline
    return Result(name, value, unit, baseline, ratio, f"ratio >= {share}", ratio >= share)


def below(name, value, unit, limit):
    return Result(name, value, unit, None, None, f"< {limit} {unit}", value < limit)


def within(name, value, unit, baseline, factor, extra):
    """Less is better: value <= factor x baseline + extra."""
    goal = f"<= {factor} x baseline + {extra} {unit}"
    return Result(name, value, unit, baseline, value / baseline, goal, value <= factor * baseline + extra)


def faster(name, value, unit, baseline, times):
    """Less is better: value <= baseline / times."""
    return Result(name, value, unit, baseline, value / baseline, f"baseline >= {times} x value", baseline >= times * value)


def interleave(ours, theirs, rounds=5):
    """Medians of two measurements that take turns, so that a change of the machine's mood touches both."""
    pairs = [(ours(i), theirs(i)) for i in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def run(arguments, **options):
    """The output of a program. RuntimeError with its output when it fails."""
    done = subprocess.run(arguments, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed ({done.returncode}): {done.stdout.strip()[-2000:]}")
    return done.stdout


def wrk(url, headers, seconds, connections, script=None, arguments=()):
    """Answers per second of wrk with one thread. RuntimeError when an answer was no success."""
    return load(url, headers, seconds, connections, script, arguments)[0]


def load(url, headers, seconds, connections, script=None, arguments=()):
    """(answers per second, median and 99th percentile of the latency in ms) of wrk with one thread."""
    command = ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if script:
        command += ["-s", os.path.join(ROOT, "test", "bench", script)]
    output = run([*command, url, *(["--", *arguments] if arguments else [])])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)", output)
    if bad:
        raise RuntimeError(f"wrk {url}: {bad.group()}")
    units = {"us": 0.001, "ms": 1, "s": 1000}
    median, p99 = (float(n) * units[unit] for n, unit in re.findall(r"(?:50|99)%\s+([\d.]+)(us|ms|s)", output))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)), median, p99


def table(results):
    """The results as lines of text."""
    def number(x):
        return "-" if x is None else f"{x:.0f}" if abs(x) >= 100 else f"{x:.2f}"

    rows = [("what", "value", "unit", "baseline", "ratio", "goal", "met")]
    rows += [(r.name, number(r.value), r.unit, number(r.baseline), number(r.ratio), r.goal, "yes" if r.met else "NO") for r in results]
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def save(results, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump([asdict(r) for r in results], file, indent=2)
        file.write("\n")
