"""Who may do what with which feedback over HTTP: every role, every call, every kind, and who is accused.

The tables here are written by hand from the words of the law and the duties of the posts, not from `permissions`. A
call that is in none of them fails the test: say who may make it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest_asyncio

from services.complaints.secrecy import attachments
from services.complaints.secrecy.configured import settings_of, vault_of
from tests.component.feedback import (
    CENTRE,
    COMMUNE,
    FILED_AT,
    INSPECTION,
    OPERATOR,
    OTHER,
    Desk,
    app_of,
    opened_desk,
)
from tests.component.sealed import coming
from tests.unit.complaints import given_files as files

ROLES = ("sorter", "handler", "inspector", "confidant", "identity_reader", "auditor")
OPEN = ("reflection", "recommendation", "complaint", "hidden identity")
KEPT = ("suspected", "denunciation")

# Of each call about one feedback: who may, of what is in the open and of what is kept. `@own`: of the unit that must
# act on it. Who sees it and may not is told 403; who may know nothing of it 404; who sends no key 401.
SEES = "operator sorter handler@own", "inspector confidant@own"
SORTS = "operator sorter", "inspector"
ACTS = "operator handler@own", "inspector confidant@own"
SORTS_OR_ACTS = SEES
ABOUT_ONE: dict[str, tuple[str, str]] = {
    "GET /v1/complaints/{code}": SEES,
    "GET /v1/complaints/{code}/attachments": SEES,
    "GET /v1/complaints/{code}/attachments/{id}": SEES,
    "GET /v1/complaints/{code}/duplicates": SEES,
    "POST /v1/complaints/{code}/decision": SORTS,
    "POST /v1/complaints/{code}/transfer": SORTS,
    "POST /v1/complaints/{code}/joining": SORTS,
    "POST /v1/complaints/{code}/separation": SORTS,
    "POST /v1/complaints/{code}/refusal": SORTS_OR_ACTS,
    "POST /v1/complaints/{code}/request": SORTS_OR_ACTS,
    "POST /v1/complaints/{code}/publication": SORTS_OR_ACTS,
    "POST /v1/complaints/{code}/withdrawal": SORTS_OR_ACTS,
    "POST /v1/complaints/{code}/acceptance": ACTS,
    "POST /v1/complaints/{code}/return": ACTS,
    "POST /v1/complaints/{code}/extension": ACTS,
    "POST /v1/complaints/{code}/answer": ACTS,
    "POST /v1/complaints/{code}/identity": ("+identity_reader", "+identity_reader"),  # beside a role that sees it
}
# Calls that go by number and secret: the key that is sent beside is nothing to them.
OF_SENDER = {f"POST /v1/complaints/{{code}}/{act}" for act in ("follow", "supplement", "rating", "reopening")}
OFFICERS = " ".join(ROLES)
ABOUT_ALL: dict[str, tuple[str, int]] = {  # who may, and what the others are told
    "GET /v1/complaints": (f"operator {OFFICERS}", 401),
    "GET /v1/complaints/counts": (f"operator {OFFICERS}", 401),
    "GET /v1/complaints/search": (f"operator {OFFICERS}", 401),
    "GET /v1/complaints/patterns": (f"operator {OFFICERS}", 401),
    "POST /v1/complaints/patterns/{code}/closing": (f"operator {OFFICERS}", 401),  # one that they see, else 404
    "POST /v1/complaints/table": ("operator sorter", 403),
    "POST /v1/complaints/portal": ("operator sorter", 403),
    "GET /v1/effects": ("operator sorter handler", 403),
    "GET /v1/complaints/identities/reads": ("auditor", 403),
    "GET /v1/complaints/identities/reads/examination": ("auditor", 403),
    "GET /v1/complaints/officers/changes": ("auditor", 403),
    "GET /v1/complaints/keys/rotation": ("operator", 401),
    "POST /v1/complaints/keys/rotation": ("operator", 401),
    "GET /v1/officers": ("operator", 401),
    "PUT /v1/officers/{id}": ("operator", 401),
    "DELETE /v1/officers/{id}": ("operator", 401),
}
FOR_ANYBODY = {"POST /v1/complaints", "GET /v1/published", "GET /openapi.json", "GET /health/live",
               "GET /health/ready", "GET /metrics", "GET /asyncapi.json"}  # fmt: skip
PAGES = {  # of citizens: by a form's token, number and secret
    "GET /", "GET /gui", "POST /gui", "GET /theo-doi", "POST /theo-doi", "GET /theo-doi/{act}",
    "POST /theo-doi/bo-sung", "POST /theo-doi/danh-gia", "POST /theo-doi/giai-quyet-lai", "GET /static/{name}",
    "GET /cong-khai",
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "decision": {"kind": "complaint", "unit": CENTRE},
    "transfer": {"unit": CENTRE, "text": "Chuyển."},
    "publication": {"text": "Ý khác.", "as_sent": True},
}
OFFERED: dict[str, dict[str, Any]] = {  # with calls that are about all
    "PUT /v1/officers/{id}": {"json": {"unit": OTHER, "person": "p", "roles": ["handler"]}},
    "POST /v1/complaints/table": {"content": "ref,text\n"},
    "POST /v1/complaints/portal": {"json": []},
    "GET /v1/effects": {"params": {"from": "2026-11-01", "to": "2026-11-30"}},
}


class Who(NamedTuple):
    """Somebody who asks. roles: none of nobody. place: `own` the unit that must act, `other`, or `accused`."""

    name: str
    roles: tuple[str, ...]
    place: str
    key: dict[str, str]


class Matter(NamedTuple):
    kind: str
    code: str
    secret: str
    file: str


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    limits: dict[str, Any] = {"complaints_filings_per_minute": 0, "complaints_lookups_per_minute": 0}
    async with opened_desk(nats_url, postgres_url, tmp_path, **limits) as started:
        yield started


async def everybody(desk: Desk) -> list[Who]:
    found = [Who("nobody", (), "other", {}), Who("wrong key", (), "other", {"X-API-Key": f"do_{'0' * 12}_{'x' * 43}"})]
    found.append(Who("operator", ("operator",), "other", OPERATOR))
    alone = [(role,) for role in ROLES]
    beside = [(role, "identity_reader") for role in ROLES if role != "identity_reader"]
    for place, unit, person, sets in (
        ("own", OTHER, "head-2", [*alone, *beside, ROLES]),
        ("other", INSPECTION, "ttt", [*alone, *beside, ROLES]),
        ("accused", COMMUNE, "clerk-1", [*alone, ROLES]),
        ("accused in person", CENTRE, "head-1", [ROLES]),
        ("accused at the unit", OTHER, "head-1", [ROLES]),
    ):
        for number, roles in enumerate(sets):
            key = await desk.officer(f"{place.replace(' ', '-')}-{number}", *roles, unit=unit, person=person)
            found.append(Who(f"{'+'.join(roles)} {place}", roles, place, key))
    disabled = await desk.officer("gone", *ROLES, unit=OTHER)
    assert (await desk.client.delete("/v1/officers/gone", headers=OPERATOR)).status_code == 200
    return [*found, Who("disabled", (), "own", disabled)]


async def one_of_each(desk: Desk) -> list[Matter]:
    """File one of each kind about the commune, in the hands of another; all over, so that no act changes any more."""
    inspector = await desk.officer("setter", "inspector", "sorter", "handler", unit=OTHER, person="setter")
    found = []
    for kind in (*OPEN, *KEPT):
        hint = {"suspected": "denunciation", "hidden identity": "reflection"}.get(kind, kind)
        filed = await desk.file(unit=COMMUNE, kind_hint=hint, name="Người Gửi", hide_identity=kind == "hidden identity")
        code = filed["code"]
        if kind == "suspected":
            await desk.done(code, "transfer", inspector, unit=OTHER, text="x")
            await desk.done(code, "refusal", inspector, text="x")
        else:
            accused = {"accused_units": [COMMUNE], "accused_persons": ["head-1"]}
            await desk.done(code, "decision", inspector, kind=hint, unit=OTHER, **accused)
            if hint in ("complaint", "denunciation"):
                await desk.done(code, "acceptance", inspector, text="x")
            await desk.done(code, "answer", inspector, text="Trả lời.")
            if kind in ("reflection", "recommendation"):
                await desk.done(code, "publication", inspector, text="x", as_sent=True)
        found.append(Matter(kind, code, filed["secret"], await attached(desk, code)))
    desk.move_to("2027-03-01T09:00:00+07:00")  # nothing is reopened any more
    return found


async def attached(desk: Desk, code: str) -> str:
    vault = vault_of(settings_of(desk.running))
    kept = await vault.keep(coming(files.PNG), name="ảnh.png", code=code)
    async with desk.running.engine.begin() as connection:
        await attachments.add(connection, vault, code, [kept], at=FILED_AT)
    return kept.id


def expected(who: Who, call: str, kind: str) -> set[int]:
    """Return what a call about one feedback may be answered."""
    if not who.roles:
        return {401}
    part = int(kind in KEPT)
    sees, may = (_is_among(who, table[part]) for table in (SEES, ABOUT_ONE[call]))
    if "accused" in who.place or not sees:
        return {404}
    return {200, 409} if may else {403}


def _is_among(who: Who, named: str) -> bool:
    return any(
        one.lstrip("+").removesuffix("@own") in who.roles and ("@own" not in one or who.place == "own")
        for one in named.split()
    )


async def made(desk: Desk, call: str, who: Who, matter: Matter) -> httpx.Response:
    method, path = call.split()
    act = path.rpartition("/")[2]
    url = path.format(code=matter.code, id=matter.file)
    body = BODIES.get(act, {"text": "Ý khác."}) if method == "POST" else None
    if act == "joining":
        body = {"to": matter.code}
    return await desk.client.request(method, url, json=body, headers=who.key)


async def test_every_call_is_in_a_table(desk: Desk) -> None:
    paths = app_of(settings_of(desk.running)).openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert len(there) > 25
    assert there - PAGES == (ABOUT_ONE.keys() | ABOUT_ALL.keys() | OF_SENDER | FOR_ANYBODY) - {"GET /openapi.json"}


async def test_everybody_may_do_what_the_table_says_and_nothing_else(desk: Desk) -> None:
    matters, people = await one_of_each(desk), await everybody(desk)
    wrong, allowed = [], set()
    for matter in matters:
        for who in people:
            for call in ABOUT_ONE:
                answer = await made(desk, call, who, matter)
                if answer.status_code not in expected(who, call, matter.kind):
                    wrong.append((matter.kind, who.name, call, answer.status_code, answer.text[:80]))
                if answer.status_code in (200, 409):
                    allowed.add((call, matter.kind))
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    assert allowed == {(call, matter.kind) for matter in matters for call in ABOUT_ONE}, "each was allowed to somebody"
    for who in people:
        await lists_what_it_sees(desk, who, matters)


async def lists_what_it_sees(desk: Desk, who: Who, matters: list[Matter]) -> None:
    """Check that lists and counts show just what can be opened one by one."""
    call = "GET /v1/complaints/{code}"
    seen = {matter.code for matter in matters if 200 in expected(who, call, matter.kind)}
    in_words = {matter.code for matter in matters if matter.kind in ("reflection", "recommendation", "complaint")}
    for path in ("/v1/complaints", "/v1/complaints/counts", "/v1/complaints/search"):
        answer = await desk.client.get(path, headers=who.key)
        if not who.roles:
            assert answer.status_code == 401
        elif path.endswith("counts"):
            assert sum(answer.json()["states"].values()) == len(seen), who.name
        elif path.endswith("search"):
            assert {one["code"] for one in answer.json()["found"]} == seen & in_words, who.name
        else:
            assert {one["code"] for one in answer.json()["complaints"]} == seen, who.name


async def test_what_is_about_all_is_for_whom_the_table_says(desk: Desk) -> None:
    people = await everybody(desk)
    for call, (named, refused) in ABOUT_ALL.items():
        method, path = call.split()
        for who in people:
            url = path.format(id="made-here", code="DH-00000000")
            answer = await desk.client.request(method, url, headers=who.key, **OFFERED.get(call, {}))
            among = not set(named.split()).isdisjoint(who.roles)
            awaited = {200, 404} if among else {refused if who.roles else 401}
            assert answer.status_code in awaited, (call, who.name, answer.status_code)


async def test_what_is_published_is_the_same_for_everybody_and_only_what_is_in_the_open(desk: Desk) -> None:
    matters, people = await one_of_each(desk), await everybody(desk)
    numbers = {matter.code for matter in matters} | {matter.secret for matter in matters}
    for path, places in (("/v1/published", '"question"'), ("/cong-khai", "<article")):
        told = {(await desk.client.get(path, headers=who.key)).text for who in people}
        assert len(told) == 1, path
        [said] = told
        assert said.count(places) == 2, "the reflection and the recommendation"
        assert not [one for one in (*numbers, "Người Gửi", "head-1", "setter") if one in said]


async def test_the_secret_opens_its_own_number_alone_and_no_key_opens_in_its_place(desk: Desk) -> None:
    matters, people = await one_of_each(desk), await everybody(desk)
    more: dict[str, dict[str, Any]] = {"supplement": {"text": "x"}, "rating": {"rating": 3}, "reopening": {"text": "x"}}
    for at, matter in enumerate(matters):
        for call in OF_SENDER:
            act = call.rpartition("/")[2]
            for secret in (matters[at - 1].secret, "2222-2222-2222", matter.code, "x"):
                for who in people[:4]:
                    answer = await desk.act(matter.code, act, who.key, secret=secret, **more.get(act, {}))
                    assert answer.status_code == 404, (call, who.name, matter.kind)
            right = await desk.act(matter.code, act, {}, secret=matter.secret, **more.get(act, {}))
            is_done = act == "follow" or (act == "rating" and matter.kind != "suspected")
            assert right.status_code == (200 if is_done else 409), (call, matter.kind, right.text)
