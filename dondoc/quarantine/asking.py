"""Asking the services about what lies in their quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from shared.cli import SERVICES, call, client, fail, has_address, refusal

if TYPE_CHECKING:
    import httpx

PAGE = 1000
NO_ENTRY = "there is no entry {0}; see `dondoc quarantine list`"


class Name(NamedTuple):
    """An entry: ids are of their service."""

    service: str
    id: int

    @classmethod
    def of(cls, text: str) -> Name:
        """Return the entry that `12` (of intake) or `deadline/12` means. raises: typer.BadParameter - neither."""
        service, slash, id = text.rpartition("/")
        service = service if slash else "intake"
        if service not in SERVICES or not (id.isascii() and id.isdigit() and 0 < int(id) < 2**63):
            raise typer.BadParameter(f"{text} is no entry: 12, or with its service deadline/12", param_hint="ID")
        return cls(service, int(id))

    @property
    def path(self) -> str:
        return f"/v1/quarantine/{self.id}"


def entries_of(
    data: Path | None, missing: list[str], *, service: str | None = None, **wanted: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the entries, service by service. missing: gets those that could not be asked."""
    import httpx

    if service is not None and service not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}", param_hint="--service")
    query = {name: str(value) for name, value in wanted.items() if value is not None}
    wanted_of = [service] if service else list(SERVICES)
    known = [name for name in wanted_of if has_address(name, data)] or wanted_of[
        :1
    ]  # none: the command ends, and says how
    missing += [f"{name} (set DONDOC_{name.upper()}_URL)" for name in wanted_of if name not in known]
    for name in known:
        with client(name, data) as http:
            after = 0
            while True:
                try:
                    answer = http.get("/v1/quarantine", params={**query, "after": after, "limit": PAGE})
                except httpx.TransportError:
                    missing.append(f"{name} does not answer")
                    break
                page = answer.json() if answer.is_success else fail(f"{name}: {refusal(answer)}")
                yield from ({"service": name, **entry} for entry in page)
                if len(page) < PAGE:
                    break
                after = page[-1]["id"]


def named(data: Path | None, **wanted: str | None) -> list[Name]:
    missing: list[str] = []
    names = [Name(one["service"], one["id"]) for one in entries_of(data, missing, state="waiting", **wanted)]
    tell_missing(missing)
    return names


def tell_missing(missing: list[str]) -> None:
    if missing:
        typer.echo(f"dondoc: not asked: {'; '.join(missing)}", err=True)


def asked(
    service: httpx.Client,
    method: str,
    name: Name,
    verb: str = "",
    query: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    one: bool = True,
) -> dict[str, Any]:
    """Ask a service about an entry. one: else what cannot be carried out is told and does not end the command."""
    import httpx

    path = f"{name.path}/{verb}" if verb else name.path

    def send() -> httpx.Response:
        answer = service.request(method, path, params=query, content=body, headers={"Content-Type": "application/json"})
        if answer.status_code == 404:
            fail(NO_ENTRY.format(name.id))
        if answer.status_code == 409 and not one:
            outcome = {"result": "failed", "said": 0, "refused": [], "why": refusal(answer)}
            return httpx.Response(200, json={"id": name.id, "state": "waiting", "repeat": False, "outcome": outcome})
        return answer

    told: dict[str, Any] = call(send).json()
    return told
