"""How often suggestions of what a feedback is are right, on texts that their weights were not made from.

The labelled texts are split in two by a hash of each. `--train` makes the weights from the larger part, sets the
thresholds on it by cross-validation, and prints how right it is there, each text judged by weights of the others.
What the held-out part says is printed always.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

from bench.ground import conditions
from services.complaints.suggesting import model
from services.complaints.suggesting.measuring import Answer, Labelled, answers, confusion, labelled, scores
from services.complaints.suggesting.suggest import KINDS

TEXTS = Path(__file__).parent / "data" / "feedback.csv"


def texts() -> list[Labelled]:
    with TEXTS.open(encoding="utf-8-sig", newline="") as lines:
        return labelled(csv.DictReader(lines))


def suggestions(*, train: bool) -> None:
    """Print precision and recall by class on the held-out part, after making the weights anew where asked."""
    print(conditions(), flush=True)
    if train:
        from bench.suggestion_weights import cross_validated, trained  # of the group `bench-suggestions`

        development = [one for one in texts() if not one.is_held_out]
        model.CARRIED.write_bytes(orjson.dumps(trained(development), option=orjson.OPT_SORT_KEYS) + b"\n")
        model.load.cache_clear()
        _tell("development, cross-validated", cross_validated(development))
    begun = time.perf_counter()
    carried = model.load()
    loaded = time.perf_counter() - begun
    held_out = [one for one in texts() if one.is_held_out]
    answers(held_out[:1], carried)
    begun = time.process_time()
    given = answers(held_out, carried)
    took = (time.process_time() - begun) / len(held_out)
    _tell("held out", given)
    print(
        f"{took * 1e6:,.0f} µs of a core a text; weights of {carried.trained_on} texts, "
        f"{model.CARRIED.stat().st_size:,} bytes, read in {loaded * 1e3:,.0f} ms"
    )


def _tell(part: str, given: Sequence[Answer]) -> None:
    print(f"{part}: {len(given)} texts")
    for about, classes in scores(given).items():
        for name, one in classes.items():
            shares = "  ".join(
                f"{what} {'   - ' if share is None else f'{share:5.3f}'}"
                for what, share in (("precision", one.precision), ("recall", one.recall))
            )
            print(f"  {about:9} {name:16} {shares}  of {one.right + one.missed}")
    counts = confusion(given)
    print(f"  {'is, likeliest said:':20}" + "".join(f"{kind:>16}" for kind in KINDS))
    for truth in KINDS:
        print(f"  {truth:20}" + "".join(f"{counts[truth, said]:>16}" for said in KINDS), flush=True)
