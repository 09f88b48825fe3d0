"""`dondoc cases`."""

import json
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from services.notify import cases_cli

CASE = {
    "id": 17, "kind": "not_ours", "subject": "dossier/1", "unit": "H56.12", "detail": "",
    "opened_at": "2026-11-23T07:30:00+07:00", "answer_by": "2026-11-25T07:30:00+07:00", "overdue": True,
}  # fmt: skip
LATER = {**CASE, "id": 18, "kind": "own_absence", "subject": "H56.12", "answer_by": None, "overdue": False}


@pytest.fixture
def closed() -> list[Any]:
    return []


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, closed: list[Any]) -> typer.Typer:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            outcome = json.loads(request.content)["outcome"]
            closed.append((request.url.path, outcome))
            if outcome == "mended":
                return httpx.Response(422, json={"detail": "outcome: of a case not_ours say stays or handed_over"})
            return httpx.Response(200, json={"id": 17, "kind": "not_ours", "subject": "dossier/1", "outcome": outcome})
        first = request.url.params["after"] == "0"
        return httpx.Response(200, json={"cases": [CASE] if first else [LATER], "next": 17 if first else None})

    def client(service: str, data: Any) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(answer), base_url=f"http://{service}")

    monkeypatch.setattr(cases_cli, "client", client)
    made = typer.Typer()
    cases_cli.register(made)
    return made


def test_open_cases_are_listed_page_by_page(app: typer.Typer) -> None:
    said = CliRunner().invoke(app, ["cases", "list"])
    assert said.stdout.splitlines() == [
        "17  not_ours  dossier/1  unit H56.12  OVERDUE since 2026-11-25T07:30:00+07:00",
        "18  own_absence  H56.12",
    ]
    assert json.loads(CliRunner().invoke(app, ["cases", "list", "--json"]).stdout) == [CASE, LATER]


def test_a_case_is_closed_with_its_outcome(app: typer.Typer, closed: list[Any]) -> None:
    said = CliRunner().invoke(app, ["cases", "close", "17", "--outcome", "stays"])
    assert (said.exit_code, said.stdout) == (0, "case 17 (not_ours, dossier/1) is closed\n")
    assert closed == [("/v1/cases/17/close", "stays")]


def test_a_wrong_outcome_or_call_is_refused_and_says_why(app: typer.Typer) -> None:
    wrong = CliRunner().invoke(app, ["cases", "close", "17", "--outcome", "mended"])
    assert (wrong.exit_code, "say stays or handed_over" in wrong.output) == (2, True)
    for call in (["close", "0", "--outcome", "stays"], ["close", "17"], ["close", "x", "--outcome", "stays"]):
        assert CliRunner().invoke(app, ["cases", *call]).exit_code == 2
