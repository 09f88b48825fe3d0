"""A name planted in all that is written of a denunciation is nowhere but under seal, through its whole life.

A whole stack at log level debug with mail going out. What is searched: every row, stream, log, mail, metric, answer,
export and command, and the raw bytes of the database, of the streams and of the attachments.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from datetime import datetime
from pathlib import Path

import asyncpg
import httpx
import pytest

from dondoc.stack import postgres, running
from tests.journeys.planted import Search, mails_in, rows_of, self_check
from tests.journeys.planted_world import (
    ACCUSED,
    CONTROL,
    HIDDEN,
    KEPT,
    OTHER,
    World,
    by_page,
    from_elsewhere,
    world_of,
    wrote,
)
from tests.journeys.test_nothing_leaks import SECRETS, command_line, dondoc

pytestmark = pytest.mark.long

LATE = "2026-12-21T09:00:00+07:00"
QUESTION = "Hồ sơ đất của một công dân chậm trả kết quả."
PERIOD = "from=2026-11-01&to=2026-12-31"
COMMANDS = (
    "status --json", "doctor --json", "notify status --json", "notify addresses list --json", "cases list --json",
    "ledger show --json", "ledger check", "audit export", "audit verify", "export notices", "export obligations",
    "notify report --from 2026-11-02 --to 2026-12-20", "complaints keys status --json", "complaints keys rotate",
    "quality list --json", "fact reversals --json", "quarantine list --json",
    "complaints effects --from 2026-11-01 --to 2026-12-31",
)  # fmt: skip


async def denounced(world: World) -> list[str]:
    """Let two denunciations live: one through every act, one is left to be late."""
    accusing = wrote(KEPT, unit="UBND xã Mường Lát", dossier="000.00.12.H56-261102-0001")
    accusing["text"] = f"Tôi tố cáo Chủ tịch xã nhận hối lộ của bà {KEPT} để cấp sổ đỏ."
    (code, secret), (late, _) = await by_page(world, accusing), await world.file(**accusing)
    given = {"kind": "denunciation", "accused_units": [ACCUSED], "text": f"Theo lời bà {KEPT}."}
    for one in (code, late):
        await world.act("inspector", one, "decision", **given)
    await world.act("inspector", code, "identity", text=f"Xác minh bà {KEPT}.")
    await world.act("inspector", code, "request", text=f"Xin bà {KEPT} bổ sung.")
    await world.act("", code, "follow", secret=secret)
    await world.act("", code, "supplement", secret=secret, text=f"Tôi, {KEPT}, bổ sung.")
    await world.act("inspector", code, "transfer", unit=OTHER, text=f"Chuyển vụ bà {KEPT}.")
    for act in ("acceptance", "extension", "answer"):
        await world.act("other", code, act, text=f"Về tố cáo của bà {KEPT}.")
    return [code, late, *await from_elsewhere(world, accusing)]


async def asked_not_to_be_known(world: World) -> list[str]:
    """Let two reflections live whose senders hide: one through every act, one is left to be late."""
    filing = wrote(HIDDEN, unit="UBND xã Mường Lát", kind_hint="reflection", hide_identity=True)
    filing |= {name: wrote(KEPT)[name] for name in ("name", "contact", "address")}
    codes, secrets = zip(*[await world.file(**filing) for _ in range(2)], strict=True)
    code, secret = codes[0], secrets[0]
    for one in codes:
        await world.act("sorter", one, "decision", kind="reflection", unit=ACCUSED, text=f"{HIDDEN}.")
    await world.act("clerk", code, "request", text=f"Xin {HIDDEN} bổ sung.")
    await world.act("", code, "supplement", secret=secret, text=f"{HIDDEN} bổ sung.")
    await world.act("clerk", code, "answer", text=f"Trả lời {HIDDEN}.")
    await world.act("", code, "rating", secret=secret, rating=2)
    await world.act("", code, "reopening", secret=secret, text=f"{HIDDEN} chưa hài lòng.")
    return list(codes)


async def in_the_open(world: World) -> str:
    filing = wrote(CONTROL, unit="UBND xã Mường Lát", kind_hint="reflection")
    code, _ = await world.file(**filing)
    await world.act("sorter", code, "decision", kind="reflection", unit=ACCUSED)
    return code


async def answered_for_all(world: World) -> list[str]:
    """Let two reflections be published: one in an officer's words, one as it was sent; return numbers and secrets."""
    filing, kept = wrote(CONTROL, unit="UBND xã Mường Lát", kind_hint="reflection"), list[str]()
    for words in ({"question": QUESTION, "answer": "Đã trả kết quả."}, {"as_sent": True}):
        code, secret = await world.file(**filing)
        await world.act("sorter", code, "decision", kind="reflection", unit=ACCUSED, text=f"{CONTROL}.")
        sent = "Đã trả kết quả." if "as_sent" in words else f"Kính gửi bà {CONTROL}."
        await world.act("clerk", code, "answer", text=sent)
        await world.act("clerk", code, "publication", text=f"Công khai việc của bà {CONTROL}.", **words)
        kept += code, secret
    return kept


async def read_by_all(world: World, search: Search) -> None:
    """Search what anybody reads without a key."""
    async with httpx.AsyncClient(base_url=world.complaints) as anybody:
        for path in ("/v1/published", "/cong-khai", "/v1/published?limit=1"):
            answer = await anybody.get(path)
            assert (answer.status_code, QUESTION in answer.text) == (200, "limit" not in path)
            search.look(f"anybody: {path}", answer.content + str(answer.headers).encode())


async def goes_wrong(world: World, code: str) -> None:
    """Make every wrong call with the word in every place, and let the database refuse good ones."""
    url, http = f"{world.complaints}/v1/complaints", world.stack.http
    filing = wrote(KEPT)
    for name in filing:
        for odd in ([KEPT], {KEPT: KEPT}, 1, f"{KEPT}\0", f"{KEPT}\ud800", KEPT * 5000):
            refused = await http.post(url, content=json.dumps({**filing, name: odd}).encode())
            assert refused.status_code == 422, (name, odd)
    for written in (f'{{"text": "{KEPT}"', json.dumps({KEPT: KEPT}), json.dumps(KEPT), json.dumps([filing])):
        assert (await http.post(url, content=written.encode())).status_code == 422
    for path in (f"/{KEPT}", f"/{code}/{KEPT}", f"?state={KEPT}", f"?before={KEPT}", f"/{code}/attachments/{KEPT}",
                 f"/identities/reads?code={KEPT}", f"/keys/rotation/{KEPT}"):  # fmt: skip
        for method in ("GET", "POST", "DELETE", "PUT"):
            assert (await http.request(method, url + path, json={KEPT: KEPT})).status_code in (401, 403, 404, 405, 422)
    assert (await http.post(f"{url}/keys/rotation?after={KEPT}")).status_code == 422
    headers = [(name, KEPT.encode()) for name in (b"User-Agent", b"traceparent", b"tracestate", b"Cookie", b"Referer")]
    assert (await http.post(f"{url}/{code}/follow", json={"secret": KEPT}, headers=headers)).status_code == 404
    assert (await http.get(url, headers=[(b"X-API-Key", KEPT.encode())])).status_code == 401
    assert (await http.put(f"{world.complaints}/v1/officers/{KEPT}", json={"roles": [KEPT]})).status_code == 422
    acts = {"decision": {"kind": "denunciation", "unit": KEPT}, "transfer": {"unit": KEPT, "text": KEPT}}
    for act, body in acts.items():
        answer = await http.post(f"{url}/{code}/{act}", json=body, headers=world.keys["inspector"])
        assert answer.status_code == 409, answer.text
    for table in ("identity", "step", "complaint"):
        await world.stack.as_superuser(f"ALTER TABLE complaints.{table} ADD CONSTRAINT poison CHECK (false) NOT VALID")
        assert (await http.post(url, json={**filing, "kind_hint": "denunciation"})).status_code == 503
        await world.stack.as_superuser(f"ALTER TABLE complaints.{table} DROP CONSTRAINT poison")


async def looked_at(world: World, codes: list[str]) -> None:
    """Let the operator, a sorter, the accused head and a clerk look at all there is."""
    paths = ["", "?state=open", "?state=answered", "?limit=1", "/counts", "/identities/reads"]
    for who, path in itertools.product(("operator", "sorter", "head", "clerk"), paths):
        await world.ask(who, "complaints", f"/v1/complaints{path}")
    for who, word in itertools.product(("operator", "sorter", "head"), (KEPT, "hối lộ", "cham tra")):
        found = await world.ask(who, "complaints", f"/v1/complaints/search?q={word}")
        assert bool(found.json()["found"]) == (word == "cham tra")
        world.seen[f"{who}: search"] = world.seen.pop(f"{who}: complaints/v1/complaints/search?q={word}")
    for who, path in itertools.product(("operator", "sorter", "head"), ("complaints/patterns", f"effects?{PERIOD}")):
        await world.ask(who, "complaints", f"/v1/{path}")
    for who, code in itertools.product(("operator", "sorter", "head"), codes):
        assert (await world.ask(who, "complaints", f"/v1/complaints/{code}")).status_code == 404
        world.seen.pop(f"{who}: complaints/v1/complaints/{code}")  # who asks by a number is told its name in headers
    for service in world.stack.at.http_urls:
        for path in ("/metrics", "/health/ready", "/asyncapi.json", "/openapi.json", "/v1/quarantine"):
            await world.ask("operator", service, path)
    for service, path in (
        ("deadline", "/v1/obligations?limit=500"), ("deadline", "/v1/export/obligations"), ("notify", "/v1/notices"),
        ("notify", "/v1/escalations"), ("notify", "/v1/cases"), ("notify", "/v1/answers"), ("notify", "/v1/ledger"),
        ("complaints", "/v1/officers"), ("complaints", "/v1/complaints/keys/rotation"), ("console", "/v1/units"),
    ):  # fmt: skip
        assert (await world.ask("operator", service, path)).status_code == 200, path
    login = {"key": SECRETS["DONDOC_API_KEY"]}
    entered = await world.stack.http.post(f"{world.stack.at.http_urls['console']}/login", data=login)
    assert entered.status_code == 303
    for path in ("/", "/live"):
        assert (await world.ask("operator", "console", path)).status_code == 200
    for command in (*COMMANDS, *(f"why answer/{code}" for code in codes)):
        said = await asyncio.to_thread(dondoc, world.stack, *command.split())
        world.seen[f"operator: dondoc {command}"] = said.replace(command.split()[-1].encode(), b"")


async def links_of(world: World, to: str) -> int:
    """Open the links in the mails to somebody; return how many there were."""
    tokens = set()
    for name, said in mails_in(world.mails):
        if to in name:
            world.seen[f"head: mail {name}"] = said
            tokens |= set(re.findall(rb"/v1/acknowledge/([\w.~-]+)", said))
    for token in sorted(tokens):
        answer = await world.stack.http.get(
            f"{world.stack.at.http_urls['notify']}/v1/acknowledge/{token.decode()}", headers={"Accept": "text/html"}
        )
        assert answer.status_code == 200
        world.seen[f"head: link {len(world.seen)}"] = answer.content
    return len(tokens)


async def searched(world: World, search: Search) -> None:
    """Search all that the stack has written anywhere."""
    told = running.read_down(world.stack.data)
    assert told
    for name, program in told.programs.items():
        search.look(f"command line of {name}", command_line(program.pid))
        search.look(f"environment of {name}", environment(program.pid))
    for place, said in {**world.seen, **dict(mails_in(world.mails))}.items():
        search.look(place, said)
    password = json.loads((world.stack.data / "secrets.json").read_text())["postgres"]
    connection = await asyncpg.connect(postgres.url(port=world.stack.at.ports["postgres"], password=password))
    for table, rows in (await rows_of(connection)).items():
        search.look(f"table {table}", rows)
    await connection.execute("CHECKPOINT")
    await connection.close()
    assert await asyncio.to_thread(search.look_into, world.stack.data) > 50 << 20


def environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def places(found: set[str]) -> str:
    return "\n".join(sorted(found))


async def test_the_planted_name_is_nowhere(tmp_path: Path) -> None:
    self_check()
    async with world_of(tmp_path) as world:
        kept, hidden, control = await denounced(world), await asked_not_to_be_known(world), await in_the_open(world)
        for_all = Search(CONTROL, KEPT, HIDDEN, *await answered_for_all(world), "clerk", "sorter")
        await read_by_all(world, for_all)
        await goes_wrong(world, kept[0])
        await world.stack.driver.play((), until=datetime.fromisoformat(LATE))
        await looked_at(world, kept)
        assert await links_of(world, "dv12") > 0, "the accused head is pressed for what is in the open"
        everywhere, numbers = Search(KEPT, CONTROL, control), Search(*kept, control)
        await searched(world, everywhere)
        for place, said in world.seen.items():
            if place != "operator: dondoc audit export":  # chained: it has every row, of these the number alone
                numbers.look(place, said)
        behind = Search(HIDDEN)
        world.seen = {place: said for place, said in world.seen.items() if ": complaints/v1/complaints" not in place}
        await searched(world, behind)
    for word, where in for_all.found.items():
        assert not where, (word, places(where))
    assert not everywhere.found[KEPT], places(everywhere.found[KEPT])
    assert not behind.found[HIDDEN], places(behind.found[HIDDEN])
    for code in kept:
        assert not numbers.found[code], places(numbers.found[code])
    assert hidden
    _finds(everywhere, CONTROL, "table complaints.complaint", "operator: complaints/v1/complaints:", "data/postgres/")
    _finds(everywhere, control, "operator: dondoc export obligations", "table notify.", ".eml", "data/nats/")
    _finds(numbers, control, "head: mail", "head: link")


def _finds(search: Search, word: str, *where: str) -> None:
    """Check that the search finds what is there."""
    for place in where:
        assert place in places(search.found[word]), f"{place}: {places(search.found[word])}"
