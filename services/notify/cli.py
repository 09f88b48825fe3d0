"""notify's part of the `dondoc` command: `export notices`; the rest is in modules of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from services.notify import cases_cli
from services.notify.audit import cli as audit_cli
from services.notify.ledger import cli as ledger_cli
from services.notify.modes import cli as modes_cli
from services.notify.receipts import cli as receipts_cli
from services.notify.sending import cli as sending_cli
from services.notify.trying import cli as policy_cli
from shared import sheets
from shared.cli import Data, Output, ask, client, exports, or_nothing, writing

PAGE = 500
COLUMNS = ("notice_id", "unit", "role", "channel", "slot", "status", "reason", "subject", "items", "attempts", "kind")
TIMES = ("stored_at", "sent_at", "revision", "why", "why_text", "template")
ARRIVAL = ("provider", "receipt", "receipt_at", "instead_of", "fallback")


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    exports(app).command("notices", epilog="Example: dondoc export notices --status sent > notices.ndjson")(
        export_notices
    )
    app.add_typer(policy_cli.policy, name="policy")
    app.add_typer(audit_cli.audit, name="audit")
    modes_cli.register(app)
    cases_cli.register(app)
    ledger_cli.register(app)
    sending_cli.register(app)
    receipts_cli.register(app)


def export_notices(
    data: Data = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only stored, sent, failed, withheld, recorded or withdrawn ones.")
    ] = None,
    format: Annotated[Format, typer.Option(help="CSV opens in a spreadsheet.")] = Format.NDJSON,
    output: Output = None,
) -> None:
    """Write one line for each notice, the oldest slots first, with what it covers (ndjson); addresses are left out.

    Digests are made at the slots of the policy (as carried: 07:30 and 14:00 on working days);
    before the first there are none.
    """
    if status not in (None, "stored", "sent", "failed", "withheld", "recorded", "withdrawn"):
        raise typer.BadParameter("must be stored, sent, failed, withheld, recorded or withdrawn", param_hint="--status")
    notices = or_nothing(_notices(data, status), why=f"no notice is {status}" if status else "no notice was made yet")
    with writing(output) as out:
        for part in as_ndjson(notices) if format is Format.NDJSON else as_csv(notices):
            out.write(part)


def as_ndjson(notices: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    import orjson

    for notice in notices:
        yield orjson.dumps(notice) + b"\n"


def as_csv(notices: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield a CSV file that opens in a spreadsheet: UTF-8 with its mark."""
    names = (*COLUMNS, *TIMES, *ARRIVAL)
    yield sheets.head(names)
    for notice in notices:
        shown = {**notice, "why": " ".join(notice.get("why") or ())}
        yield sheets.line(shown.get(name) for name in names)


def _notices(data: Path | None, status: str | None) -> Iterator[dict[str, Any]]:
    """Read notify's HTTP page by page."""
    after: str | None = ""
    with client("notify", data) as notify:
        while after is not None:
            asked = {"limit": str(PAGE), "after": after} | ({"status": status} if status else {})
            page = ask(notify, "/v1/notices", **asked)
            yield from page["notices"]
            after = page["next"]
