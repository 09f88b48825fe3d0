"""`dondoc notify report`: what went out, or in recording mode would have gone out; for the office that decides."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared import sheets
from shared.cli import Data, Output, ask, client, writing

if TYPE_CHECKING:
    import httpx

PAGE = 1000
SHOWN = 5
EXAMPLE = "Example: dondoc notify report --from 2026-11-01 --to 2026-11-30 --format csv --output thang-11.csv"
LEVELS = range(4)  # that have a column of their own; what is above stands in the last
HEADINGS = (
    "Ngày", "Mã đơn vị", "Đơn vị", "Vai trò", "Thư điện tử", "Tin nhắn SMS", "Không có địa chỉ", "Đã gửi",
    "Chỉ ghi lại", "Gửi không thành công", "Số việc", "Sắp đến hạn", "Cấp 1", "Cấp 2", "Cấp 3 trở lên",
)  # fmt: skip
ROLES = {"head": "người đứng đầu", "superior": "cơ quan cấp trên", "receiving": "đơn vị tiếp nhận"}


class Format(StrEnum):
    SUMMARY = "summary"
    NDJSON = "ndjson"
    CSV = "csv"


def report(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, such as 2026-11-01.")],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.")],
    data: Data = None,
    format: Annotated[Format, typer.Option(help="A summary to read, or a row for each day and post.")] = Format.SUMMARY,
    over: Annotated[int, typer.Option(min=0, max=1000, help="Name who had more notices than this on a day.")] = 4,
    output: Output = None,
) -> None:
    """Tell what went out, or in mode `record` would have gone out: by day and post, never with an address."""
    days = {"from": _day(since, "--from"), "to": _day(until, "--to")}
    if days["from"] > days["to"]:
        raise typer.BadParameter("the first day comes after the last", param_hint="--from")
    with client("notify", data) as notify:
        rows = _rows(notify, days)
        if format is Format.SUMMARY:
            people = ask(notify, "/v1/report/people", **days, over=over)["people"]
            parts: Iterable[bytes] = (f"{line}\n".encode() for line in summary(list(rows), people, **days, over=over))
        else:
            parts = (
                as_csv(rows)
                if format is Format.CSV
                else (json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in rows)
            )
        with writing(output) as out:
            for part in parts:
                out.write(part)


def _day(text: str, option: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{text} is not a day like 2026-11-01", param_hint=option) from None


def _rows(notify: httpx.Client, days: dict[str, str]) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        page = ask(notify, "/v1/report", **days, after=after, limit=PAGE)
        yield from page["rows"]
        after = page["next"]


def as_csv(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet, a line for each day and post."""
    yield sheets.head(HEADINGS)
    for row in rows:
        levels = by_level(row)
        roles = ", ".join(ROLES.get(role, role) for role in row["roles"])
        counts = (row[name] for name in ("mails", "sms", "no_contact", "sent", "recorded", "failed", "items"))
        yield sheets.line((row["day"], row["unit"], row["unit_name"], roles, *counts, *(levels[at] for at in LEVELS)))


def by_level(row: dict[str, Any]) -> Counter[int]:
    """Return how many matters of a row are at each level; those above the last column's count there."""
    found: Counter[int] = Counter()
    for level, number in row["levels"].items():
        found[min(int(level), LEVELS[-1])] += number
    return found


def summary(rows: Sequence[dict[str, Any]], people: Sequence[dict[str, Any]], **asked: Any) -> Iterator[str]:
    """Yield the lines of a summary in the words of the province. asked: from, to, over."""
    of_day: Counter[str] = Counter()
    levels: Counter[int] = Counter()
    for row in rows:
        of_day[row["day"]] += row["mails"] + row["sms"]
        levels += by_level(row)
    total = {name: sum(row[name] for row in rows) for name in ("mails", "sms", "items", "sent", "recorded", "failed")}
    yield f"Thông báo đôn đốc từ {_local(asked['from'])} đến {_local(asked['to'])}"
    if not rows:
        yield "Không có thông báo nào."
        return
    yield f"  {total['mails']} thư điện tử và {total['sms']} tin nhắn SMS cho {len({r['unit'] for r in rows})} đơn vị,"
    yield f"  nêu {total['items']} lượt việc: {_levels(levels)}."
    yield f"  Đã gửi {total['sent']}, chỉ ghi lại {total['recorded']}, gửi không thành công {total['failed']}."
    yield "Những ngày nhiều thông báo nhất:"
    for day, number in of_day.most_common(SHOWN):
        yield f"  {_local(day)}: {number}"
    yield from _people(people, over=asked["over"])
    without = sorted({(row["unit"], row["unit_name"] or "chưa rõ tên") for row in rows if row["no_contact"]})
    if without:
        yield f"Đơn vị có thông báo nhưng không có địa chỉ nhận ({len(without)}):"
        yield from (f"  {code}  {name}" for code, name in without)


def _people(people: Sequence[dict[str, Any]], *, over: int) -> Iterator[str]:
    if not people:
        yield f"Không ai nhận quá {over} thông báo trong một ngày."
        return
    yield f"Người nhận quá {over} thông báo trong một ngày ({len(people)} lượt), nhiều nhất:"
    for one in people[:SHOWN]:
        by = "tin nhắn SMS" if one["channel"] == "sms" else "thư điện tử"
        yield f"  {_local(one['day'])}: {one['notices']} {by}, phụ trách {', '.join(one['units'])}"


def _levels(levels: Counter[int]) -> str:
    names = ("sắp đến hạn", "cấp 1", "cấp 2", "cấp 3 trở lên")
    return ", ".join(f"{levels[at]} {name}" for at, name in enumerate(names) if levels[at]) or "không có việc quá hạn"


def _local(day: str) -> str:
    return date.fromisoformat(day).strftime("%d/%m/%Y")
