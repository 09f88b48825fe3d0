"""`dondoc fact`: what it sends to intake and what it prints, against an intake that is made up."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
import typer
from typer.testing import CliRunner

from services.intake.correcting import cli

DOSSIER = "000.00.12.H56-261102-0001"
FACT = {
    "id": "f1", "slot": "due", "value": "2026-11-09T09:10:00+07:00", "at": "x", "as_of": "2026-11-02T09:10:00+07:00",
    "heard": "2026-11-02T09:12:00+07:00", "rank": 2, "source": "motcua-1",
}  # fmt: skip


class Made:
    """An intake that answers as told and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.asked = answers, list[tuple[str, dict[str, Any]]]()

    def client(self, *_: Any) -> httpx.Client:
        def answer(request: httpx.Request) -> httpx.Response:
            body = orjson.loads(request.content) if request.content else dict(request.url.params)
            self.asked.append((request.url.path, body))
            name = request.url.path.split("/")[2]
            known = self.answers.get(name)
            if known is None:
                return httpx.Response(404, json={"detail": f"no {name}"})
            return httpx.Response(200, json=known.pop(0) if isinstance(known, list) and name == "reversals" else known)

        return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://intake")


def run(made: Made, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.setattr(cli, "client", made.client)
    app = typer.Typer()
    cli.register(app)
    app.command("other")(lambda: None)
    result = CliRunner().invoke(app, ["fact", *words])
    return result.exit_code, result.output


def test_facts_are_listed_with_a_mark_where_they_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [
        {**FACT, "said": True, "retracted": None},
        {**FACT, "id": "f2", "said": True, "retracted": {"reason": "x"}},
        {**FACT, "id": "f3", "said": False, "retracted": None},
    ]
    made = Made(facts={"dossier": DOSSIER, "codes": [DOSSIER, "ML-1"], "facts": shown})
    code, output = run(made, monkeypatch, "list", DOSSIER)
    lines = output.splitlines()
    assert (code, lines[0]) == (0, f"{DOSSIER}, known as {DOSSIER}, ML-1")
    assert [line[:4] for line in lines[1:]] == ["  f1", "- f2", ". f3"]
    assert orjson.loads(run(made, monkeypatch, "list", DOSSIER, "--json")[1])["facts"] == shown


def test_a_retraction_says_what_it_took_and_what_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(retractions={"dry_run": False, "facts": [FACT], "already": False, "still": 2})
    code, output = run(made, monkeypatch, "retract", DOSSIER, "f1", "--reason", "Nhập nhầm")
    assert (code, output.startswith("retracted: f1"), "--every" in output) == (0, True, True)
    assert made.asked[0][1] == {"dossier": DOSSIER, "fact": "f1", "reason": "Nhập nhầm", "by": "", "every": False}
    assert "would be retracted" in run(made, monkeypatch, "retract", DOSSIER, "f1", "--reason", "x", "--dry-run")[1]


def test_a_reason_is_asked_for_and_an_unknown_fact_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(Made(), monkeypatch, "retract", DOSSIER, "f1")[0] == 2
    assert run(Made(), monkeypatch, "retract", DOSSIER, "f1", "--reason", "x")[0] == 1


def test_reversals_show_what_stood_and_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"id": 3, "dossier": DOSSIER, "stood": FACT, "came": {**FACT, "id": "f9"}, "state": "open", "settled": None}
    output = run(Made(reversals=[[one], []]), monkeypatch, "reversals")[1]
    assert [line.split()[:2] for line in output.splitlines()] == [["3", DOSSIER], ["stood", "f1"], ["came", "f9"]]
    assert run(Made(reversals=[[]]), monkeypatch, "reversals")[1] == "no reversals\n"
    assert "reversal 3 stands" in run(Made(reversals={"id": 3}), monkeypatch, "let-stand", "3", "--reason", "x")[1]


def test_two_codes_are_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(same_as={"dossier": DOSSIER, "codes": [DOSSIER, "ML-1"], "fact": "f7"})
    assert run(made, monkeypatch, "same-as", DOSSIER, "ML-1", "--reason", "x")[1].endswith("(fact f7)\n")
