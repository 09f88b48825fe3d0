"""The register of sources on real servers: who is let in, what is refused and audited, who has fallen silent."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet
from nats.aio.client import Client
from pydantic import SecretStr
from sqlalchemy import text

from services.intake.main import SERVICE as INTAKE
from services.intake.sources import admission, audit, hearing, keys, store
from services.intake.sources.rates import Buckets
from services.intake.understanding import SETTINGS
from shared import sealing
from shared.bus import publish
from shared.clock import machine_now
from shared.cloudevents import Outgoing
from shared.secrets import KEY_HEADER
from shared.service import Running
from tests import servers as real
from tests.component import harness


class Office(NamedTuple):
    """An intake, its caller over HTTP with the installation's key, and the broker."""

    intake: Running
    caller: httpx.AsyncClient
    client: Client

    async def feed(self, source: str, key: str | None = None, *, code: str = "X-1", **headers: str) -> httpx.Response:
        """Send one dossier in a source's name. key: None = the installation's."""
        with_key = {KEY_HEADER: key} if key is not None else {}
        body = message(code)
        return await self.caller.post(f"/v1/feeds/{source}/national", content=body, headers={**with_key, **headers})

    async def add(self, name: str, **settings: Any) -> None:
        answer = await self.caller.post("/v1/sources", json={"name": name, **settings})
        assert answer.status_code == 201, answer.text

    async def key(self, name: str, **wanted: Any) -> dict[str, Any]:
        answer = await self.caller.post(f"/v1/sources/{name}/keys", json=wanted)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def settled(self) -> None:
        await harness.until_idle({"intake": self.intake})

    async def audited(self) -> list[tuple[str, str, str]]:
        lines = (await self.caller.get("/v1/audit")).json()
        return [(line["source"], line["deed"], line["why"]) for line in reversed(lines)]

    async def column(self, sql: str) -> list[Any]:
        async with self.intake.engine.connect() as connection:
            return list((await connection.execute(text(sql))).scalars())


def message(code: str) -> bytes:
    dossier = {"MaHoSo": code, "NgayTiepNhan": "20261102091000", "TrangThaiHoSo": "2"}
    return orjson.dumps({"service": "DongBoHoSoMC", "madonvi": "000.00.12.H56", "data": [dossier]})


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers of rates and audits is of one test."""
    monkeypatch.setattr(audit, "QUOTA", audit.Quota())
    monkeypatch.setattr(admission, "OBJECTS", Buckets())
    monkeypatch.setattr(admission, "BYTES", Buckets())
    monkeypatch.setattr(SETTINGS, "signing_key", SecretStr("a master of signatures"))


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    clock = getattr(request, "param", "live")
    async with (
        harness.services(INTAKE, nats_url=nats_url, database=database, clock=clock) as running,
        harness.connected(nats_url) as client,
        harness.caller(running["intake"]) as caller,
    ):
        yield Office(running["intake"], caller, client)
    await real.drop_database(postgres_url, database)


async def test_a_source_is_let_in_by_its_own_key_under_its_own_name(office: Office) -> None:
    for name in ("motcua-1", "motcua-2", "off"):
        await office.add(name)
    right, others, off = [(await office.key(name))["key"] for name in ("motcua-1", "motcua-2", "off")]
    expired = (await office.key("motcua-1"))["key"]
    await office.key("motcua-1", others_until=machine_now().isoformat())  # `right` and `expired` end here
    right = (await office.key("motcua-1"))["key"]
    assert (await office.caller.post("/v1/sources/off/disable")).status_code == 200
    assert (await office.feed("motcua-1", right)).status_code == 202
    refusals = [
        await office.feed("nobody", right),
        await office.feed("motcua-1", "wrong"),
        await office.feed("motcua-1", ""),
        await office.feed("motcua-1", others),
        await office.feed("motcua-1", expired),
        await office.feed("off", off),
    ]
    assert {(answer.status_code, answer.text) for answer in refusals} == {(401, refusals[0].text)}  # none tells why
    assert [line for line in await office.audited() if line[1] == "refused"] == [
        ("nobody", "refused", "unknown_source"),
        ("motcua-1", "refused", "wrong_key"),
        ("motcua-1", "refused", "wrong_key"),
        ("motcua-1", "refused", "key_of_another_source"),
        ("motcua-1", "refused", "expired_key"),
        ("off", "refused", "source_disabled"),
    ]
    assert (await office.caller.get("/v1/quarantine", headers={KEY_HEADER: right})).status_code == 401
    refused = await office.feed("off")
    assert (refused.status_code, "dondoc source enable off" in refused.json()["detail"]) == (403, True)
    lines = await office.caller.post("/v1/imports/x/lines?source=off&first=1", content=message("X-1"))
    assert lines.status_code == 403


async def test_keys_rotate_without_a_gap_and_a_revoked_one_ends_at_once(office: Office) -> None:
    await office.add("motcua-1")
    old = await office.key("motcua-1")
    new = await office.key("motcua-1", others_until=(machine_now() + timedelta(hours=1)).isoformat())
    for made in (old, new):
        assert (await office.feed("motcua-1", made["key"])).status_code == 202
    assert (await office.caller.delete(f"/v1/sources/motcua-1/keys/{new['id']}")).status_code == 204
    assert [(await office.feed("motcua-1", made["key"])).status_code for made in (old, new)] == [202, 401]
    shown = (await office.caller.get("/v1/sources/motcua-1")).json()
    assert [one["id"] for one in shown["keys"]] == [old["id"]]
    stored = await office.column("SELECT row_to_json(k)::text FROM intake.source_key AS k")
    assert old["key"] not in "".join(stored)
    assert old["key"] not in orjson.dumps(shown).decode()


async def test_a_source_that_must_sign_is_refused_without_a_signature(office: Office) -> None:
    await office.add("motcua-1", signed=True)
    made = await office.key("motcua-1")
    now_s = int(machine_now().timestamp())

    async def answer(secret: str, at_s: int) -> int:
        signed = {keys.SIGNATURE_HEADER: keys.signature(secret, message("X-1"), at_s=at_s)}
        return (await office.feed("motcua-1", made["key"], **signed)).status_code

    assert (await office.feed("motcua-1", made["key"])).status_code == 401
    assert await answer("wrong", now_s) == 401
    assert await answer(made["signing_secret"], now_s - 400) == 401
    assert await answer(made["signing_secret"], now_s) == 202
    whys = [why for _, deed, why in await office.audited() if deed == "refused"]
    assert whys == ["unsigned", "wrong_signature", "signature_expired"]
    assert (await office.feed("motcua-1")).status_code == 202  # the installation itself


@pytest.mark.parametrize("path", ["national", "national/CapNhatTrangThai", "facts"])
async def test_every_way_in_asks_for_key_signature_and_rate(office: Office, path: str) -> None:
    await office.add("motcua-1", signed=True, bytes_per_minute=100)
    made = await office.key("motcua-1")
    body = gzip.compress(b'{"MaHoSo": "X-1"}' + b" " * 200)

    async def answer(key: str, secret: str) -> int:
        signed = keys.signature(secret, body, at_s=int(machine_now().timestamp()))
        headers = {KEY_HEADER: key, keys.SIGNATURE_HEADER: signed, "Content-Encoding": "gzip"}
        return (await office.caller.post(f"/v1/feeds/motcua-1/{path}", content=body, headers=headers)).status_code

    assert await answer("wrong", made["signing_secret"]) == 401
    assert await answer(made["key"], "wrong") == 401
    assert await answer(made["key"], made["signing_secret"]) == 202
    assert await answer(made["key"], made["signing_secret"]) == 429


async def test_without_a_signing_key_nobody_who_must_sign_is_let_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.add("motcua-1", signed=True)
    made = await office.key("motcua-1")
    monkeypatch.setattr(SETTINGS, "signing_key", SecretStr(""))
    of_nothing = keys.signing_secret("", made["id"])  # which everybody can work out
    signed = keys.signature(of_nothing, message("X-1"), at_s=int(machine_now().timestamp()))
    assert (await office.feed("motcua-1", made["key"], **{keys.SIGNATURE_HEADER: signed})).status_code == 503


async def test_while_the_database_is_away_feeds_are_taken_by_the_register_as_it_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.add("motcua-1")
    key = (await office.key("motcua-1"))["key"]
    assert (await office.feed("motcua-1", key)).status_code == 202
    monkeypatch.setattr(admission, "FRESH_S", -1)

    async def away(_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(store, "read", away)
    assert (await office.feed("motcua-1", key)).status_code == 202
    assert (await office.feed("motcua-1", "wrong")).status_code == 401


async def test_without_a_signing_key_no_source_is_told_to_sign(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SETTINGS, "signing_key", SecretStr(""))
    assert (await office.caller.post("/v1/sources", json={"name": "a", "signed": True})).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "motcua-1"}, 409),
        ({"name": "Một Cửa"}, 422),
        ({"name": "intake"}, 422),
        ({"name": "a", "role": "other"}, 422),
        ({"name": "a", "unknown": 1}, 422),
        ({"name": "a", "silent_after_minutes": 0}, 422),
    ],
)
async def test_what_cannot_be_registered_is_told_why(office: Office, body: dict[str, Any], status: int) -> None:
    await office.add("motcua-1")
    assert (await office.caller.post("/v1/sources", json=body)).status_code == status
    assert (await office.caller.patch("/v1/sources/nobody", json={"title": "x"})).status_code == 404
    assert (await office.caller.post("/v1/sources/nobody/keys", json={})).status_code == 404


async def test_whoever_speaks_first_is_registered_and_the_register_decides_the_role(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SETTINGS, "mirrors", "cong-quoc-gia")
    await office.add("one-stop", role="mirror")
    for source in ("motcua-1", "cong-quoc-gia", "one-stop"):
        assert (await office.feed(source, code=source)).status_code == 202
    await office.settled()
    told = {one["name"]: (one["role"], one["how"]) for one in (await office.caller.get("/v1/sources")).json()}
    assert told == {
        "motcua-1": ("primary", "heard"),
        "cong-quoc-gia": ("mirror", "heard"),
        "one-stop": ("mirror", "operator"),
    }
    said = [one["data"] for one in await harness.said(office.client, "INTAKE") if "facts" in one["data"]]
    mirrored = {one["dossier"]: all("mirror" in fact for fact in one["facts"]) for one in said}
    assert mirrored == {"MOTCUA-1": False, "CONG-QUOC-GIA": True, "ONE-STOP": True}
    assert ("motcua-1", "registered", "spoke for the first time") in await office.audited()


async def test_what_a_disabled_source_sends_waits_and_is_taken_in_once_it_is_enabled(office: Office) -> None:
    await office.add("motcua-1")
    await office.caller.post("/v1/sources/motcua-1/disable")
    for code in ("X-1", "X-2"):
        await harness.feed(office.client, [message(code)], source="motcua-1")
    await office.settled()
    assert await office.column("SELECT key FROM intake.thing") == []
    assert await office.column("SELECT reason FROM intake.quarantine") == ["source_disabled"] * 2
    told = (await office.caller.post("/v1/sources/motcua-1/enable")).json()
    assert (told["taken"], told["waiting"], told["enabled"]) == (2, 0, True)
    assert await office.column("SELECT key FROM intake.thing ORDER BY key") == ["X-1", "X-2"]
    assert await office.column("SELECT state FROM intake.quarantine") == ["retried"] * 2
    deeds = [deed for name, deed, _ in await office.audited() if name == "motcua-1"]
    assert deeds == ["registered", "disabled", "enabled"]


async def test_what_cannot_be_unsealed_now_waits_on(office: Office) -> None:
    await office.add("motcua-1")
    await office.caller.post("/v1/sources/motcua-1/disable")
    sealing.use(Fernet.generate_key().decode())
    await harness.feed(office.client, [message("X-1")], source="motcua-1")
    await office.settled()
    sealing.use(Fernet.generate_key().decode())
    told = (await office.caller.post("/v1/sources/motcua-1/enable")).raise_for_status().json()
    sealing.use("")
    assert (told["enabled"], told["taken"], told["waiting"]) == (True, 0, 1)


async def test_an_attacker_cannot_fill_the_audit(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LINES_PER_ADDRESS", 3)
    for number in range(10):
        assert (await office.feed(f"guess-{number}", "x")).status_code == 401
    assert len(await office.audited()) == 3
    with pytest.raises(Exception, match="never changed"):
        await _delete_audit(office)


async def _delete_audit(office: Office) -> None:
    async with office.intake.engine.begin() as connection:
        await connection.execute(text("DELETE FROM intake.audit_line"))


async def test_who_sends_too_much_is_asked_to_wait_and_nothing_accepted_is_dropped(office: Office) -> None:
    await office.add("motcua-1", objects_per_minute=3)
    key = (await office.key("motcua-1"))["key"]
    answers = [await office.feed("motcua-1", key, code=f"X-{number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert (await office.feed("motcua-2")).status_code == 202
    await office.caller.patch("/v1/sources/motcua-1", json={"objects_per_minute": 0})
    assert (await office.feed("motcua-1", key, code="X-9")).status_code == 202
    await office.settled()
    assert await office.column("SELECT key FROM intake.thing ORDER BY key") == ["X-0", "X-1", "X-2", "X-9"]


async def test_a_message_on_many_lines_is_one_object(office: Office) -> None:
    await office.add("motcua-1", objects_per_minute=3)
    body = orjson.dumps(orjson.loads(message("X-1")), option=orjson.OPT_INDENT_2)
    post = office.caller.post
    assert body.count(b"\n") > 3
    assert [(await post("/v1/feeds/motcua-1/national", content=body)).status_code for _ in range(3)] == [202] * 3
    lines, path = {"Content-Type": "application/x-ndjson"}, "/v1/feeds/motcua-2/facts"
    await office.add("motcua-2", objects_per_minute=3)
    answers = [(await post(path, content=b"{}\n{}\n{}\n{}", headers=lines)).status_code for _ in range(2)]
    assert answers == [202, 429]


async def test_a_message_of_too_many_objects_is_put_aside_whole(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SETTINGS, "max_objects", 2)
    body = orjson.loads(message("X-1"))
    body["data"] *= 3
    await harness.feed(office.client, [orjson.dumps(body), message("X-2")])
    await office.settled()
    assert await office.column("SELECT key FROM intake.thing") == ["X-2"]
    assert await office.column("SELECT reason FROM intake.quarantine") == ["too_many_objects"]


@pytest.mark.parametrize("depth", [200, 300, 900, 1100, 400_000])
async def test_however_deep_a_message_is_nested_it_ends_in_quarantine(office: Office, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    bodies = [b'{"service": "DongBoHoSoMC", "data": [' + deep + b"]}", b'{"service": "DongBoHoSoMC", "data": ' + deep]
    facts = b'[{"specversion": "1.0", "type": "dondoc.duty.v1", "data": ' + deep + b"}]"
    subjects = ["feed.motcua-1.national"] * 2 + ["feed.motcua-1.facts"]
    messages = [Outgoing(uuid.uuid4().hex, to, body) for to, body in zip(subjects, [*bodies, facts], strict=True)]
    await publish(office.client, messages)
    await harness.feed(office.client, [message("X-2")])
    await office.settled()
    assert await office.column("SELECT key FROM intake.thing") == ["X-2"]
    reasons = set(await office.column("SELECT reason FROM intake.quarantine"))
    assert reasons <= {"unreadable", "invalid_object", "not_a_message"}
    assert await office.column("SELECT sum(seen) FROM intake.quarantine") == [3]


# --- silence, on a moved clock ---------------------------------------------------------------------------------------


def day(n: int) -> datetime:
    """Return the nine o'clock of the n-th working day of November 2026."""
    days = [d for d in range(1, 24) if datetime(2026, 11, d).weekday() < 5]  # noqa: DTZ001 - a date is meant
    return datetime.fromisoformat(f"2026-11-{days[n]:02}T09:00:00+07:00")


async def speak(office: Office, at: datetime, *, source: str = "motcua-1") -> None:
    await harness.feed(office.client, [message("X-1")], source=source, at=at.isoformat())


async def tick(office: Office, at: datetime) -> None:
    await harness.tick(office.client, at.isoformat())
    await office.settled()


async def sourced(office: Office) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return the type, the source and the data of every event about a source."""
    said = await harness.said(office.client, "INTAKE")
    of_sources = [one for one in said if one["type"].startswith("intake.source_")]
    return [(one["type"], one["subject"], one["data"]) for one in of_sources]


async def with_history(office: Office) -> datetime:
    """Let a source speak every five minutes from 8 to 10 on eleven working days; returns when it was last heard."""
    for n in range(11):
        for minute in range(-60, 61, 5):
            await speak(office, day(n) + timedelta(minutes=minute))
    last = day(10) + timedelta(minutes=60)
    await tick(office, last)
    return last


@pytest.mark.parametrize("office", ["driven"], indirect=True)
async def test_silence_beyond_the_usual_is_said_and_coming_back_ends_it(office: Office) -> None:
    await with_history(office)
    await speak(office, day(11) - timedelta(minutes=30))
    await tick(office, day(11) - timedelta(minutes=1))
    assert await sourced(office) == []
    await tick(office, day(11) + timedelta(minutes=5))
    [(kind, name, data)] = await sourced(office)
    assert (kind, name, data["revision"], data["usual_gap_s"]) == ("intake.source_silent.v1", "motcua-1", 1, 1800)
    assert datetime.fromisoformat(data["since"]) == day(11) - timedelta(minutes=30)
    await tick(office, day(11) + timedelta(hours=4))
    assert len(await sourced(office)) == 1
    shown = (await office.caller.get("/v1/sources/motcua-1")).json()
    assert datetime.fromisoformat(shown["silent_since"]) == day(11) - timedelta(minutes=30)
    await speak(office, day(11) + timedelta(hours=5))
    await office.settled()
    kind, _, data = (await sourced(office))[-1]
    assert (kind, data["revision"], data["because"]) == ("intake.source_heard.v1", 2, "heard")
    assert (await office.caller.get("/v1/sources/motcua-1")).json()["silent_since"] is None


@pytest.mark.parametrize("office", ["driven"], indirect=True)
async def test_a_weekend_is_no_silence_and_an_import_is_no_speaking(office: Office) -> None:
    last = await with_history(office)
    assert day(10).strftime("%a") == "Mon" or last.weekday() < 5
    friday = day(14)
    for n in range(11, 15):
        for minute in range(-60, 61, 5):
            await speak(office, day(n) + timedelta(minutes=minute))
    assert friday.weekday() == 4
    await tick(office, friday + timedelta(days=2, hours=20))
    assert await sourced(office) == []
    monday = friday + timedelta(days=3)
    headers = {"Dondoc-Received-At": monday.isoformat(), "Dondoc-Import": "x", "Dondoc-Line": "1"}
    line = Outgoing(uuid.uuid4().hex, "backfill.feed.motcua-1.national", message("X-1"), headers)
    await publish(office.client, [line])
    await tick(office, monday)
    assert [kind for kind, _, _ in await sourced(office)] == ["intake.source_silent.v1"]


@pytest.mark.parametrize("office", ["driven"], indirect=True)
@pytest.mark.parametrize("how", ["disable", "unwatch"])
async def test_who_is_not_watched_any_more_is_not_silent_either(office: Office, how: str) -> None:
    await with_history(office)
    await tick(office, day(11) + timedelta(hours=1))
    assert len(await sourced(office)) == 1
    if how == "disable":
        await office.caller.post("/v1/sources/motcua-1/disable")
    else:
        await office.caller.patch("/v1/sources/motcua-1", json={"watched": False})
    await tick(office, day(12) + timedelta(hours=1))
    assert [(kind, data.get("because")) for kind, _, data in await sourced(office)] == [
        ("intake.source_silent.v1", None),
        ("intake.source_heard.v1", "not_watched"),
    ]


@pytest.mark.parametrize("office", ["driven"], indirect=True)
async def test_the_time_in_which_a_source_was_disabled_is_no_silence_of_its_own(office: Office) -> None:
    await with_history(office)
    await office.caller.post("/v1/sources/motcua-1/disable")
    await tick(office, day(12) + timedelta(hours=1))
    await office.caller.post("/v1/sources/motcua-1/enable")
    await tick(office, day(12) + timedelta(hours=1, minutes=5))
    assert await sourced(office) == []
    await tick(office, day(13) + timedelta(hours=3))
    [(kind, _, _)] = await sourced(office)
    assert kind == "intake.source_silent.v1"  # it had its usual time since it was enabled, and said nothing


@pytest.mark.parametrize("office", ["driven"], indirect=True)
async def test_a_process_that_is_behind_the_stream_calls_nobody_silent(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_history(office)
    monkeypatch.setattr(hearing.REACH, "is_behind", lambda: True)
    await tick(office, day(11) + timedelta(hours=1))
    assert await sourced(office) == []
    monkeypatch.undo()
    await tick(office, day(11) + timedelta(hours=2))
    assert len(await sourced(office)) == 1
