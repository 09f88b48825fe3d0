"""Whoever a feedback is about finds no trace of it: what they are told before and after it is the same to the byte."""

from __future__ import annotations

import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.component.feedback import (
    CENTRE,
    COMMUNE,
    INSPECTION,
    OTHER,
    PROVINCE,
    UNITS,
    Desk,
    opened_desk,
    unit,
)

ALL_ROLES = ("sorter", "handler", "inspector", "confidant", "identity_reader", "auditor")
UNKNOWN = "PA-2222-2222-2222"
BELOW = "38-x14998-1"
Told = dict[str, tuple[int, str, dict[str, str]]]


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    below = unit(BELOW, "Phòng Kinh tế phường Hạc Thành", parent=COMMUNE, kind="phong")
    async with opened_desk(
        nats_url,
        postgres_url,
        tmp_path,
        units=(*UNITS, below),
        complaints_filings_per_minute=0,
        complaints_lookups_per_minute=0,
    ) as started:
        yield started


async def accused(desk: Desk) -> dict[str, dict[str, str]]:
    """Return the keys of those who are accused, with every role there is."""
    return {
        "head": await desk.officer("head", *ALL_ROLES, unit=COMMUNE, person="head-1"),
        "clerk": await desk.officer("clerk", *ALL_ROLES, unit=COMMUNE, person="clerk-1"),
        "head at another desk": await desk.officer("head-b", *ALL_ROLES, unit=CENTRE, person="head-1"),
        "desk of the unit": await desk.officer("desk", *ALL_ROLES, unit=COMMUNE),
    }


async def told(desk: Desk, key: dict[str, str], codes: list[str]) -> Told:
    """Return all that somebody is told who asks for everything: page by page, one by one, and by wrong numbers."""
    found: Told = {}

    async def ask(path: str) -> Any:
        answer = await desk.client.get(f"/v1/complaints{path}", headers=key)
        found[path] = (answer.status_code, answer.text, dict(answer.headers))
        return answer.json()

    states = ("", "&state=open", "&state=undecided", "&state=answered", "&state=refused")
    for state, limit in itertools.product(states, (1, 500)):
        path = f"?limit={limit}{state}"
        while (page := (await ask(path)).get("next")) and len(found) < 500:
            path = f"?limit={limit}{state}&before={page}"
    path = "/identities/reads?limit=1"
    while page := (await ask(path)).get("next"):
        path = f"/identities/reads?limit=1&after={page}"
    path = "/search?limit=1&q=ho so"
    while page := (await ask(path)).get("next"):
        path = f"/search?limit=1&q=ho so&before={page}"
    for path in (
        "/counts", "/identities/reads", "/identities/reads/examination", "/keys/rotation",
        "/search", "/search?q=to cao", "/search?q=nhan hoi lo",
        "/patterns", "/patterns?closed=true", "/../effects?from=2026-11-01&to=2026-11-30",
    ):  # fmt: skip
        await ask(path)
    for code, what in itertools.product(codes, ("", "/attachments", "/duplicates")):
        await ask(f"/{code}{what}")
    return found


async def lives(desk: Desk, by: dict[str, str], **filing: Any) -> str:
    """Let a denunciation of the commune and its head live through all that can happen to one."""
    filed = await desk.file(
        text="Tôi tố cáo Chủ tịch phường nhận hối lộ để cấp sổ đỏ.", unit=COMMUNE, name="Người Gửi", **filing
    )
    code: str = filed["code"]
    assert (await desk.client.get(f"/v1/complaints/{code}", headers=by)).json()["suspected"]
    given = {"kind": "denunciation", "accused_units": [COMMUNE], "accused_persons": ["head-1"]}
    await desk.done(code, "decision", by, **given, text="Có dấu hiệu.")
    await desk.done(code, "identity", by, text="Xác minh người tố cáo.")
    await desk.done(code, "request", by, text="Xin bổ sung.")
    await desk.done(code, "supplement", {}, secret=filed["secret"], text="Tôi bổ sung.")
    await desk.done(code, "transfer", by, unit=OTHER, text="Theo thẩm quyền.")
    await desk.done(code, "acceptance", by, text="Thụ lý.")
    await desk.done(code, "extension", by, text="Phức tạp.")
    return code


async def test_the_accused_are_told_the_same_before_and_after(desk: Desk) -> None:
    keys = await accused(desk)
    inspector = await desk.officer("i", "inspector", "identity_reader", "sorter", unit=INSPECTION, person="ttt")
    codes = []
    for number in range(3):
        codes.append(
            (await desk.file(unit=COMMUNE, kind_hint="reflection", text=f"Hồ sơ chậm, lần {number}", name="A"))["code"]
        )
        await desk.done(codes[-1], "decision", inspector, kind="reflection", unit=COMMUNE)
        await desk.done(codes[-1], "identity", inspector, text="Hỏi lại.")
    before = {name: await told(desk, key, codes) for name, key in keys.items()}
    counted = (await desk.running.status())["counts"]
    hidden = [await lives(desk, inspector), await lives(desk, inspector, hide_identity=True)]
    await desk.done(hidden[1], "answer", inspector, text="Kết luận.")
    assert {name: await told(desk, key, codes) for name, key in keys.items()} == before
    assert (await desk.running.status())["counts"] == counted
    assert all(len(answers) > 35 and codes[0] in answers["?limit=500"][1] for answers in before.values())
    seen = (await desk.client.get("/v1/complaints", headers=inspector)).json()["complaints"]
    assert {one["code"] for one in seen} == {*codes, *hidden}, "there was something to be found"
    answers = "".join(answer for _, answer, _ in before["head"].values())
    assert not re.search(r'"(id|complaint_id|seq|next)":\s*\d', answers), "numbers of rows tell by gaps what is hidden"
    for key, code in itertools.product(keys.values(), hidden):
        await sounds_unknown(desk, key, code)
    visible = (codes[0], keys["head"])
    assert (await desk.act(visible[0], "joining", visible[1], to=hidden[0])).text == (
        await desk.act(visible[0], "joining", visible[1], to=UNKNOWN)
    ).text


async def sounds_unknown(desk: Desk, key: dict[str, str], code: str) -> None:
    """Check that each call about a feedback sounds as for a number that nobody has."""
    decided = {"kind": "reflection", "unit": COMMUNE}
    acts: dict[str, Any] = {
        "decision": decided, "transfer": {"unit": COMMUNE, "text": "x"}, "joining": {"to": UNKNOWN},
        "follow": {"secret": UNKNOWN[3:]}, "publication": {"text": "x", "as_sent": True},
    } | {
        path: {"text": "x"}
        for path in (
            "refusal", "acceptance", "request", "return", "extension", "answer", "withdrawal", "separation", "identity",
        )
    }  # fmt: skip
    for path, body in acts.items():
        known, unknown = [await desk.act(one, path, key, **body) for one in (code, UNKNOWN)]
        assert (known.status_code, known.content, known.headers) == (404, unknown.content, unknown.headers), path
    for path in (
        "/{}",
        "/{}/attachments",
        "/{}/attachments/x",
        "/{}/duplicates",
        "?before={}",
        "/search?before={}",
        "/search?q={}",
        "/identities/reads?code={}",
    ):
        known, unknown = [
            await desk.client.get(f"/v1/complaints{path.format(one)}", headers=key) for one in (code, UNKNOWN)
        ]
        assert (known.status_code, known.content, known.headers) == (
            unknown.status_code, unknown.content, unknown.headers,
        ), path  # fmt: skip


async def test_what_is_in_the_open_does_not_point_to_what_is_kept(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", "sorter", unit=INSPECTION, person="ttt")
    head = (await accused(desk))["head"]
    hidden = (await desk.file(kind_hint="denunciation", unit=COMMUNE))["code"]
    first, second = [(await desk.file(kind_hint="reflection", unit=COMMUNE))["code"] for _ in range(2)]
    refused = await desk.act(first, "joining", inspector, to=hidden)
    assert (refused.status_code, "kept from some" in refused.json()["detail"]) == (409, True)
    await desk.done(second, "joining", inspector, to=first)
    await desk.done(first, "decision", inspector, kind="denunciation", accused_units=[COMMUNE])
    shown = await desk.client.get(f"/v1/complaints/{second}", headers=head)
    assert first not in shown.text
    assert (shown.json()["state"], shown.json()["joined_to"]) == ("received", None)
    await sounds_unknown(desk, head, first)


async def test_what_was_noted_while_it_was_restricted_stays_so_when_it_is_opened(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", unit=INSPECTION, person="ttt")
    filed = await desk.file(kind_hint="denunciation", unit=COMMUNE, text="Cán bộ hẹn nhiều lần.")
    code = filed["code"]
    await desk.done(code, "request", inspector, text="Xin nói rõ vì sao tố cáo.")
    assert (await desk.done(code, "follow", {}, secret=filed["secret"]))["asked"] == "Xin nói rõ vì sao tố cáo."
    await desk.done(code, "supplement", {}, secret=filed["secret"], text="Hẹn ba lần.")
    await desk.done(code, "decision", inspector, kind="reflection", unit=COMMUNE, text="Người gửi nhầm, không tố cáo.")
    handler = await desk.officer("h", "handler", unit=COMMUNE)
    notes = {}
    for name, key in (("handler", handler), ("inspector", {**inspector})):
        shown = await desk.client.get(f"/v1/complaints/{code}", headers=key)
        if shown.status_code == 200:
            notes[name] = {step["act"]: step["note"] for step in shown.json()["history"]}
    assert notes == {"handler": {"filed": None, "ask": None, "supplement": "Hẹn ba lần.", "decide": None}}


@pytest.mark.parametrize("unit", [COMMUNE, BELOW])
async def test_nobody_under_the_accused_is_given_it(desk: Desk, unit: str) -> None:
    inspector = await desk.officer("i", "inspector", unit=INSPECTION, person="ttt")
    code = (await desk.file(kind_hint="denunciation", unit=COMMUNE))["code"]
    barred = await desk.act(code, "transfer", inspector, unit=unit, text="x")
    assert (barred.status_code, "about that unit" in barred.json()["detail"]) == (409, True)


async def test_of_reads_of_identities_the_accused_is_told_none_and_nobody_their_number(desk: Desk) -> None:
    inspector = await desk.officer("i", "inspector", "identity_reader", unit=INSPECTION, person="ttt")
    auditor = await desk.officer("a", "auditor", unit=PROVINCE, person="chair")
    hidden = await lives(desk, inspector)
    read = (await desk.client.get("/v1/complaints/identities/reads", headers=auditor)).json()["reads"]
    assert [(one["code"], one["actor"], one["reason"]) for one in read] == [(hidden, "i", "Xác minh người tố cáo.")]
    assert set(read[0]) == {"code", "actor", "reason", "at", "hash"}
    shown = (await desk.client.get(f"/v1/complaints/{hidden}", headers=inspector)).json()
    assert "read_identity" not in [step["act"] for step in shown["history"]]
    async with desk.running.engine.begin() as connection:
        rows = await connection.execute(text("SELECT CAST(r AS text) FROM complaints.identity_read r"))
        assert "Xác minh" not in "".join(rows.scalars())
        await connection.execute(
            text(
                "UPDATE complaints.step SET note = (SELECT note FROM complaints.step WHERE act = 'ask') "
                "WHERE act = 'read_identity'"
            )
        )
    read = (await desk.client.get("/v1/complaints/identities/reads", headers=auditor)).json()["reads"]
    assert read[0]["reason"] is None, "another note in its place is not told as the reason"
