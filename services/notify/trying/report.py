"""Two policies tried on the same weeks, beside one another: rows, totals, differences. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from services.notify.trying.trial import Notice

Which = Literal["tried", "present"]
DIFFERENT_POSTS = 20  # that are named, those that differ most


def rows(which: Which, notices: Sequence[Notice]) -> Iterator[dict[str, Any]]:
    """Yield a row for each notice, in the order of time."""
    for one in sorted(notices, key=lambda notice: (notice.at, notice.post)):
        yield {
            "policy": which,
            "at": one.at.isoformat(),
            "post": one.post,
            "role": one.role,
            "channels": list(one.channels),
            "reached": one.reached,
            "items": one.items,
            **{what: one.said[what] for what in SAID},
            "levels": {str(level): number for level, number in sorted(one.levels.items())},
            "first": list(one.first),
        }


SAID = ("new", "changed", "repeated", "settled", "near", "elsewhere")


def totals(notices: Sequence[Notice]) -> dict[str, Any]:
    """Return numbers in all and by role: notices by channel, posts, matters by what is said, how many reach nobody."""
    by_role: dict[str, list[Notice]] = defaultdict(list)
    for one in notices:
        by_role[one.role].append(one)
    return {"all": _counted(notices), "by_role": {role: _counted(by_role[role]) for role in sorted(by_role)}}


def _counted(notices: Sequence[Notice]) -> dict[str, Any]:
    channels: Counter[str] = Counter(channel for one in notices for channel in one.channels)
    said: Counter[str] = Counter()
    levels: Counter[int] = Counter()
    for one in notices:
        said.update(one.said)
        levels.update(one.levels)
    return {
        "notices": {channel: channels[channel] for channel in ("email", "sms")},
        "posts": len({one.post for one in notices}),
        "unreached": sum(not one.reached for one in notices),
        "most_on_one_day": _most(notices),
        "items": {what: said[what] for what in SAID},
        "levels": {str(level): number for level, number in sorted(levels.items())},
    }


def _most(notices: Sequence[Notice]) -> int:
    """Return the most notices that one post would have got on one day."""
    return max(Counter((one.post, one.at.date()) for one in notices).values(), default=0)


def differences(tried: Sequence[Notice], present: Sequence[Notice]) -> dict[str, Any]:
    """Return what the tried policy says more or less than the present one: in all, and the posts that differ most."""
    now, then = _by_post(present), _by_post(tried)
    more = {post: (then[post] - now[post]) for post in now | then}
    ordered = sorted((post for post in more if more[post]), key=lambda post: (-abs(more[post]), post))
    return {
        "notices": len(tried) - len(present),
        "items": sum(one.items for one in tried) - sum(one.items for one in present),
        "only_tried": sorted(then.keys() - now.keys()),
        "only_present": sorted(now.keys() - then.keys()),
        "posts": [{"post": p, "tried": then[p], "present": now[p]} for p in ordered[:DIFFERENT_POSTS]],
        "more_posts": len(ordered[DIFFERENT_POSTS:]),
    }


def _by_post(notices: Sequence[Notice]) -> Counter[str]:
    return Counter(one.post for one in notices)


def text(report: Mapping[str, Any]) -> str:
    """Return a report in a few lines."""
    lines = [f"{report['from']} to {report['to']}; {report['read']} events read, {report['matters']} matters followed"]
    for which in ("present", "tried"):
        found = report["totals"][which]
        lines.append(f"{which} policy (version {report['versions'][which]}):")
        lines += [f"  {role:<10} {_line(counted)}" for role, counted in found["by_role"].items()]
        lines.append(f"  {'all':<10} {_line(found['all'])}")
    more = report["differences"]
    lines.append(f"tried against present: {more['notices']:+} notices, {more['items']:+} matters in them")
    lines += [f"  {one['post']:<14} {one['present']} -> {one['tried']} notices" for one in more["posts"]]
    really = ", ".join(f"{one['notices']} {one['channel']} {one['status']} ({one['role']})" for one in report["really"])
    lines.append(f"really made in that time: {really or 'no notice'}")
    return "\n".join([*lines, "not known here:", *(f"  - {limit}" for limit in report["limits"])])


def _line(counted: Mapping[str, Any]) -> str:
    items = ", ".join(f"{number} {what}" for what, number in counted["items"].items() if number)
    levels = ", ".join(f"level {level}: {number}" for level, number in counted["levels"].items())
    said = f"{counted['notices']['email']} mails, {counted['notices']['sms']} SMS to {counted['posts']} posts"
    return f"{said}; {items or 'no matter'}" + (f"; {levels}" if levels else "")
