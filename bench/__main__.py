"""`python -m bench WHAT`: measures, and prints conditions, parts, spread and ratios."""

from __future__ import annotations

import argparse
import statistics

from bench import backfill, feedback_load, feedback_search, imports, monday, pressing, recalculation, sweep
from bench.due import due as due_stream
from bench.ground import conditions
from bench.quality import quality
from bench.suggestions import suggestions
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
    look = commands.add_parser("quality", help="completeness of reception: a walk over recent dossiers, and inserts")
    look.add_argument("--dossiers", type=int, default=102_000, help="of thirty days (default 102,000)")
    look.add_argument("--runs", type=int, default=3, help="of the inserts, for each collation in turn (default 3)")
    history = commands.add_parser("backfill", help="live messages while history is imported: how much later they are")
    history.add_argument("--messages", type=int, default=60_000, help="messages of history (default 60,000)")
    history.add_argument("--live", type=float, default=20, help="live messages a second (default 20)")
    history.add_argument("--idle-seconds", type=float, default=30, help="before and after the import (default 30)")
    history.add_argument("--runs", type=int, default=3)
    history.add_argument("--all", action="store_true", help="with all five services, not only those on the path")
    whole = commands.add_parser("import", help="`dondoc import` of a long file: rate, memory, the same file again")
    whole.add_argument("--messages", type=int, default=100_000, help="simulated ones (default 100,000)")
    slot = commands.add_parser("monday", help="a digest slot after a weekend, and the same by Alertmanager")
    slot.add_argument("--obligations", type=int, default=100_000, help="passed over the weekend (default 100,000)")
    slot.add_argument("--heads", type=int, default=400)
    slot.add_argument("--runs", type=int, default=3)
    slot.add_argument("--one-head", type=int, default=20_000, help="then so many of one head; 0 leaves it out")
    slot.add_argument("--idle", type=int, default=1_000_000, help="then so many, none due; 0 leaves it out")
    slot.add_argument("--idle-seconds", type=int, default=120)
    said = commands.add_parser("suggestions", help="what a feedback may be: precision and recall by class")
    said.add_argument("--train", action="store_true", help="make the weights anew first (group bench-suggestions)")
    look_up = commands.add_parser("feedback-search", help="search and duplicates among many feedbacks")
    look_up.add_argument("--texts", type=int, default=200_000, help="feedbacks (default 200,000)")
    crowd = commands.add_parser("feedback-load", help="filings with attachments while obligations pass due")
    crowd.add_argument("--rate", type=float, default=200, help="filings a second (default 200)")
    crowd.add_argument("--seconds", type=float, default=60, help="for so long (default 60)")
    crowd.add_argument("--kilobytes", type=int, default=100, help="of each attachment (default 100)")
    given = parser.parse_args()
    if given.command == "sweep":
        print(conditions(), flush=True)
        sweep.report(burst=given.burst, singles=given.singles, idle=given.idle, idle_seconds=given.idle_seconds)
    elif given.command == "backfill":
        print(conditions(), flush=True)
        backfill.report(
            messages=given.messages, live=given.live, idle_seconds=given.idle_seconds, runs=given.runs,
            every_service=given.all,
        )  # fmt: skip
    elif given.command == "monday":
        print(conditions(), flush=True)
        monday.report(obligations=given.obligations, heads=given.heads, runs=given.runs, one_head=given.one_head)
        if given.idle:
            pressing.report(obligations=given.idle, heads=given.heads, seconds=given.idle_seconds)
    elif given.command == "import":
        print(conditions(), flush=True)
        imports.report(messages=given.messages)
    elif given.command == "recalculation":
        print(conditions(), flush=True)
        recalculation.report(obligations=given.obligations)
    elif given.command == "quality":
        print(conditions(), flush=True)
        quality(dossiers=given.dossiers, runs=given.runs)
    elif given.command == "feedback-search":
        feedback_search.report(count=given.texts)
    elif given.command == "feedback-load":
        print(conditions(), flush=True)
        feedback_load.report(rate=given.rate, seconds=given.seconds, kilobytes=given.kilobytes)
    elif given.command == "suggestions":
        suggestions(train=given.train)
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
