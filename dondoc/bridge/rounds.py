"""A round: of each feed page after page is fetched, stored, and only then acknowledged; and rounds for ever."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
import orjson

from dondoc.bridge.config import Config, Feed
from dondoc.bridge.errors import NotNowError, RefusedError
from dondoc.bridge.portal import Portal
from dondoc.bridge.storing import store
from shared.logs import log

PAGES_AT_MOST = 1000  # of one round and feed; the next round goes on
PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0  # doubled after each failure
TRIES_ONCE = 5  # of a single round

Wait = Callable[[float], bool]  # sleeps so long; True where it is time to stop


class Element(NamedTuple):
    """One thing that the portal lists. raw: as JSON."""

    given: Any
    raw: bytes


@dataclass
class Outcome:
    """What became of elements. listed: each once a round. stuck: too large for intake, or without what names them."""

    listed: int = 0
    stored: int = 0
    acknowledged: int = 0
    stuck: int = 0


def take_all(
    portal: Portal, intake: httpx.Client, config: Config, outcome: Outcome, stopped: Callable[[], bool]
) -> None:
    """Take what the portal lists, feed by feed. raises: NotNowError, RefusedError - what was counted is done."""
    for feed in config.feeds:
        seen: set[bytes] = set()
        for _ in range(PAGES_AT_MOST):
            if stopped():
                return
            fresh = _fresh(portal.fetch(feed), seen)
            if not fresh:  # nothing, or only what was acknowledged or cannot be
                break
            _take_page(portal, intake, config, feed, fresh, outcome)


def _fresh(page: Sequence[Any], seen: set[bytes]) -> list[Element]:
    """Return the elements not met in this round, each once."""
    fresh = []
    for given in page:
        raw = _as_json(given)
        digest = hashlib.blake2b(raw, digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            fresh.append(Element(given, raw))
    return fresh


def _as_json(given: Any) -> bytes:
    try:
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # it reads what is nested deeper than it writes; quarantine is for such
        return json.dumps(given, sort_keys=True).encode()


def _take_page(
    portal: Portal, intake: httpx.Client, config: Config, feed: Feed, elements: Sequence[Element], outcome: Outcome
) -> None:
    """Store a page, then acknowledge it.

    The whole page first: one acknowledgement may stand for several elements, and none of them may be missing then.
    """
    outcome.listed += len(elements)
    stored = store(intake, config, feed.carries, [element.raw for element in elements])
    names = [name_of(element.given, feed) for element in elements]
    kept_back = [name for name, is_stored in zip(names, stored, strict=True) if not is_stored]
    named: list[dict[str, Any]] = []
    for name in names:
        if name is not None and name not in kept_back and name not in named:
            named.append(name)
    if named:
        portal.acknowledge(feed, named)
    stuck = sum(name is None or name in kept_back for name in names)
    outcome.stored += sum(stored)
    outcome.acknowledged += len(elements) - stuck
    outcome.stuck += stuck
    if stuck:
        log.error("not_acknowledged", feed=feed.list, elements=stuck, too_large=stored.count(False))


def name_of(element: Any, feed: Feed) -> dict[str, Any] | None:
    """Return the members that an acknowledgement names an element by, None where one is missing."""
    if not isinstance(element, dict):
        return None
    name = {member: element.get(member) for member in feed.ack_by}
    return name if all(value not in (None, "") for value in name.values()) else None


def once(portal: Portal, intake: httpx.Client, config: Config, wait: Wait) -> Outcome:
    """Take one round, with some patience. raises: NotNowError, RefusedError - what was stored is acknowledged."""
    outcome, failures = Outcome(), 0
    while True:
        try:
            take_all(portal, intake, config, outcome, lambda: wait(0))
            return outcome
        except NotNowError as error:
            failures += 1
            log.warning("waits", error=str(error), failures=failures)
            if failures == TRIES_ONCE or wait(pause_s(failures, error.after_s)):
                raise


def for_ever(portal: Portal, intake: httpx.Client, config: Config, wait: Wait) -> None:
    """Take rounds until it is time to stop; what fails is tried again, later and later."""
    failures = 0
    while True:
        outcome = Outcome()
        try:
            take_all(portal, intake, config, outcome, lambda: wait(0))
            failures, next_s = 0, config.every_s
        except NotNowError as error:
            failures += 1
            next_s = pause_s(failures, error.after_s)
            log.warning("waits", error=str(error), failures=failures, seconds=round(next_s, 1))
        except RefusedError as error:
            next_s = error.after_s
            log.error("refused", error=str(error), seconds=next_s)
        if outcome.listed:
            log.info("round", **vars(outcome))
        if wait(next_s):
            return


def pause_s(failures: int, asked_s: float) -> float:
    """Return how long to wait: between half and the whole of a pause that doubles, no shorter than asked for."""
    longest = min(LONGEST_PAUSE_S, PAUSE_S * 2.0 ** min(failures - 1, 20))
    return max(asked_s, longest * random.uniform(0.5, 1))  # noqa: S311 - nothing is to be kept secret by it
