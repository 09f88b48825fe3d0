"""The chain of the audit: whatever is changed in it is found, and where."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from services.notify.audit import entries
from shared.chain import BEGIN, Entry, Examination, Head, Row, link, seal
from shared.cloudevents import outgoing
from shared.events import EscalationClosed, EscalationRaised, NoticeSent
from tests.unit.notify.given import at

NOW = datetime(2026, 11, 23, 0, 30, 1, 5, tzinfo=UTC)


def exported(row: Row) -> dict[str, Any]:
    """Return a row as it comes out of `dondoc audit export`."""
    told = {
        "seq": row.seq, "at": row.at, "recorded_at": row.recorded_at, "kind": row.kind, "subject": row.subject,
        "data": orjson.Fragment(row.data), "hash": row.hash.hex(),
    }  # fmt: skip
    back: dict[str, Any] = orjson.loads(orjson.dumps(told))
    return back


def log(number: int = 5) -> list[dict[str, Any]]:
    added = [
        Entry("notice_sent", f"n{at_}", at("2026-11-23 07:30"), {"z": at_, "unit": "H56", "a": [1, "đ"]})
        for at_ in range(number)
    ]
    first = seal(added[:2], head=Head(), recorded_at=NOW)
    rest = seal(added[2:], head=Head(first[-1].seq, first[-1].hash), recorded_at=NOW)
    return [exported(row) for row in (*first, *rest)]


def examine(rows: list[dict[str, Any]], *, head: dict[str, Any], anchor: str | None = None) -> Examination:
    found = Examination(anchor=bytes.fromhex(anchor) if anchor else None)
    found.take(rows)
    found.end(Head(head["seq"], bytes.fromhex(head["hash"])))
    return found


def test_what_was_written_is_whole_in_one_piece_or_in_several() -> None:
    rows = log()
    assert examine(rows, head=rows[-1]).broken is None
    found = Examination()
    assert found.take(rows[:2])
    assert found.take(rows[2:])
    assert found.at == Head(5, bytes.fromhex(rows[-1]["hash"]))


@pytest.mark.parametrize("field", ["at", "recorded_at", "kind", "subject", "data"])
def test_a_row_that_was_changed_is_named(field: str) -> None:
    rows = log()
    rows[2][field] = {"z": 9} if field == "data" else "2026-11-23T00:30:02+00:00"
    assert "row 3 is not what was written" in (examine(rows, head=rows[-1]).broken or "")


def test_a_row_that_is_gone_is_named() -> None:
    rows = log()
    assert "row 3 is missing" in (examine(rows[:2] + rows[3:], head=rows[-1]).broken or "")


def test_rows_that_were_swapped_are_named() -> None:
    rows = log()
    for name in ("kind", "subject", "data", "at"):
        rows[1][name], rows[2][name] = rows[2][name], rows[1][name]
    assert "row 2 is not" in (examine(rows, head=rows[-1]).broken or "")


def test_a_row_that_was_put_between_is_named() -> None:
    rows = log()
    forged = {**rows[1], "seq": 3, "subject": "forged"}
    forged["hash"] = link(bytes.fromhex(rows[1]["hash"]), forged).hex()
    moved = [{**row, "seq": row["seq"] + 1} for row in rows[2:]]
    assert "row 4 is not" in (examine([*rows[:2], forged, *moved], head=rows[-1]).broken or "")
    assert "row 2 is doubled" in (examine([*rows[:2], rows[1], *rows[2:]], head=rows[-1]).broken or "")


def test_a_tail_that_was_cut_off_shows_by_the_head_and_with_a_forged_head_by_the_anchor() -> None:
    rows = log()
    assert "row 4 is missing" in (examine(rows[:3], head=rows[-1]).broken or "")
    assert examine(rows[:3], head=rows[2]).broken is None  # nothing in the log itself tells of it
    assert "no row has the anchor" in (examine(rows[:3], head=rows[2], anchor=rows[4]["hash"]).broken or "")
    assert examine(rows, head=rows[-1], anchor=rows[3]["hash"]).anchored == 4


def test_a_log_written_anew_shows_by_the_anchor() -> None:
    anchor = log()[-1]["hash"]
    anew = [exported(row) for row in seal([Entry("notice_sent", "x", NOW, {})] * 5, head=Head(), recorded_at=NOW)]
    assert examine(anew, head=anew[-1]).broken is None
    assert "no row has the anchor" in (examine(anew, head=anew[-1], anchor=anchor).broken or "")


def test_an_empty_log_is_whole() -> None:
    assert examine([], head={"seq": 0, "hash": BEGIN.hex()}).broken is None


def test_levels_of_one_transaction_are_one_entry_and_notices_have_one_each() -> None:
    def escalation(event: type[EscalationRaised] | type[EscalationClosed], id: str) -> Any:
        data = event(
            obligation_id=id, revision=1, unit="H56.12", level=1, raised_at=at("2026-11-23 07:00"), closed_at=None
        )
        return outgoing(event, id=f"{id}:1", about=id, time=at("2026-11-23 07:30"), data=data)

    sent = NoticeSent(
        notice_id="n1", revision=2, unit="H56.12", role="head", channel="email", slot=at("2026-11-23 07:30"),
        status="sent", reason="", items=3, sent_at=None,
    )  # fmt: skip
    said = [
        escalation(EscalationRaised, "dossier/A"),
        outgoing(NoticeSent, id="n1:2", about="n1", time=at("2026-11-23 07:31"), data=sent),
        escalation(EscalationRaised, "dossier/B"),
        escalation(EscalationClosed, "dossier/C"),
    ]
    both, notice = entries.of_events(said)
    assert both.kind == "escalations"
    assert both.data == {
        "raised": [["dossier/A", 1, 1, "H56.12"], ["dossier/B", 1, 1, "H56.12"]],
        "closed": [["dossier/C", 1, 1, "H56.12"]],
    }
    assert (notice.kind, notice.subject, notice.data["items"]) == ("notice_sent", "n1", 3)
