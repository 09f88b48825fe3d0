"""`python -m bench WHAT`: measures, and prints conditions, parts, spread and ratios."""

from __future__ import annotations

import argparse
import statistics

from bench import recalculation, sweep
from bench.due import due as due_stream
from bench.ground import conditions
from bench.throughput import Result, run_new, run_updates, summary
from bench.worktime import GROUP, worktime

BARE = {"intake": ["bench.bare", "intake"], "deadline": ["bench.bare", "deadline"]}
USUAL = {"intake": ["bench.usual", "intake"], "deadline": ["bench.usual", "deadline"]}


def throughput(*, events: int, runs: int, usual_events: int) -> None:
    """New dossiers, the bare path and the usual way, in turn."""
    print(conditions(), flush=True)
    whole: dict[int, list[Result]] = {1: [], 50: []}
    bare: dict[int, list[Result]] = {1: [], 50: []}
    usual: list[Result] = []
    for number in range(1, runs + 1):
        for size in (1, 50):
            whole[size].append(run_new(events=events, size=size))
            bare[size].append(run_new(events=events, size=size, commands=BARE, check=False))
            print(f"  run {number}: {size} a message: {whole[size][-1].rate:,.0f} events/s; "
                  f"bare {bare[size][-1].rate:,.0f}", flush=True)  # fmt: skip
        usual.append(run_new(events=usual_events, size=1, commands=USUAL, check=False))
        print(f"  run {number}: usual way {usual[-1].rate:,.0f}", flush=True)
    for size in (1, 50):
        print(summary(f"new dossiers, {size} a message", whole[size]))
        print(summary(f"  bare path, {size} a message", bare[size]))
        print(f"  ratio to the bare path: {_ratio(whole[size], bare[size])}")
    print(summary("  usual way, 1 a message", usual))
    print(f"  ratio to the usual way: {_ratio(whole[1], usual)}")


def updates(*, events: int, runs: int, preload: int) -> None:
    """Steps and ends of scattered dossiers in a full table."""
    print(conditions(), flush=True)
    for size, results in run_updates(preload=preload, events=events, runs=runs).items():
        print(summary(f"updates at {preload:,} obligations, {size} a message", results))


def _ratio(ours: list[Result], theirs: list[Result]) -> str:
    pairs = sorted(one.rate / other.rate for one, other in zip(ours, theirs, strict=True))
    return f"{statistics.median(pairs):.2f} ({pairs[0]:.2f}–{pairs[-1]:.2f}, by pairs of runs)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("throughput", help="new dossiers: from FEED message to due date stored and announced")
    new.add_argument("--usual-events", type=int, default=4_000, help="objects of the usual way, which is slow")
    full = commands.add_parser("updates", help="the same for updates of a full table")
    full.add_argument("--preload", type=int, default=500_000, help="obligations before the updates (default 500,000)")
    for of in (new, full):
        of.add_argument("--events", type=int, default=60_000, help="objects of one run (default 60,000)")
        of.add_argument("--runs", type=int, default=3, help="runs of each (default 3)")
    due = commands.add_parser(
        "worktime",
        help="due dates and open time against other libraries",
        epilog=f"The other libraries are a dependency group: uv run --group {GROUP} python -m bench worktime",
    )
    due.add_argument("--cases", type=int, default=1_000_000, help="random starts (default 1,000,000)")
    due.add_argument("--runs", type=int, default=5, help="rounds, in each of which all answer in turn (default 5)")
    due.add_argument("--seed", type=int, default=1)
    stream = commands.add_parser("due", help="`dondoc due` on a long stream: lines a second, and memory")
    stream.add_argument("--lines", type=int, default=1_000_000, help="questions; first a tenth (default 1,000,000)")
    stream.add_argument("--seed", type=int, default=1)
    due_at_once = commands.add_parser("sweep", help="what falls due in one second, single ones, and idling")
    due_at_once.add_argument("--burst", type=int, default=100_000, help="obligations of one second; 0 leaves it out")
    due_at_once.add_argument("--singles", type=int, default=300, help="one after another; 0 leaves it out")
    due_at_once.add_argument("--idle", type=int, default=2_000_000, help="open ones, none due; 0 leaves it out")
    due_at_once.add_argument("--idle-seconds", type=int, default=120)
    walk = commands.add_parser("recalculation", help="a calendar changes: all open obligations reckoned anew")
    walk.add_argument("--obligations", type=int, default=1_000_000, help="open ones (default 1,000,000)")
    given = parser.parse_args()
    if given.command == "sweep":
        print(conditions(), flush=True)
        sweep.report(burst=given.burst, singles=given.singles, idle=given.idle, idle_seconds=given.idle_seconds)
    elif given.command == "recalculation":
        print(conditions(), flush=True)
        recalculation.report(obligations=given.obligations)
    elif given.command == "due":
        due_stream(lines=given.lines, seed=given.seed)
    elif given.command == "worktime":
        worktime(count=given.cases, rounds=given.runs, seed=given.seed)
    elif given.command == "throughput":
        throughput(events=given.events, runs=given.runs, usual_events=given.usual_events)
    else:
        updates(events=given.events, runs=given.runs, preload=given.preload)


if __name__ == "__main__":
    main()
