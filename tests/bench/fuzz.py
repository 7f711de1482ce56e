"""Thousands of damaged and hostile files: sentences only, bounded memory and time, nothing outside.

    python tests/bench/fuzz.py --minutes 10 --seed 1 [--kinds model database] [--count 1000]
    python tests/bench/fuzz.py --replay KIND:SEED:NUMBER

A row for each kind: inputs, how many of them were left out with a sentence, findings, the slowest,
the most memory of the process (which holds torch). Below the table each finding, with what replays
it. Exit code 1 if there is one. The files come from those that cfinspect writes itself, changed by
chance; a seed and a number give the same change (times and ids in a database differ).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "fuzz"))
from fuzz_process import SHARES, Job, Outcome, spread, try_all


def main() -> None:
    """Fuzz, and print what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10**6, help="inputs at most")
    parser.add_argument("--kinds", nargs="+", default=[], choices=list(SHARES), metavar="KIND")
    parser.add_argument("--replay", metavar="KIND:SEED:NUMBER")
    arguments = parser.parse_args()
    if arguments.replay:
        kind, seed, number = arguments.replay.split(":")
        jobs: Iterator[Job] = iter([Job(kind, int(seed), int(number))])
    else:
        planned = spread(arguments.count, arguments.seed, arguments.kinds)
        jobs = until(time.monotonic() + arguments.minutes * 60, planned)
    outcomes = list(try_all(jobs))
    print(table(outcomes))
    findings = [one for one in outcomes if one.finding]
    for one in findings:
        print(f"\n--replay {one.job}\n{one.finding}")
    sys.exit(bool(findings))


def until(end: float, jobs: list[Job]) -> Iterator[Job]:
    """The jobs, as long as there is time."""
    for job in jobs:
        if time.monotonic() > end:
            return
        yield job


def table(outcomes: list[Outcome]) -> str:
    """A row for each kind, and one for all."""
    by_kind: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        by_kind[one.job.kind].append(one)
    rows = ["| kind | inputs | with a sentence | findings | slowest (s) | most memory (MB) |"]
    rows.append("|---|---|---|---|---|---|")
    for name, own in [*sorted(by_kind.items()), ("all", outcomes)]:
        said = sum(one.sentences > 0 for one in own)
        found = sum(bool(one.finding) for one in own)
        slowest = max((one.seconds for one in own), default=0)
        most = max((one.megabytes for one in own), default=0)
        rows.append(f"| {name} | {len(own)} | {said} | {found} | {slowest:.1f} | {most} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
