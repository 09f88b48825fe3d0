"""The part of receipts in `dondoc notify`: bounces that a relay pipes in, addresses for gateways, dead addresses."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from shared.cli import AsJson, Data, ask, call, client, fail, group, has_address, or_nothing

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the relay keeps the mail and pipes it again


def register(app: typer.Typer) -> None:
    notify = group(app, "notify", about="What leaves the house, and what became of it.")
    notify.command(
        "bounce", epilog="Example: dondoc notify bounce < mail   (docs/receipts.md: as a relay's transport)"
    )(bounce)
    addresses = group(notify, "addresses", about="Addresses and numbers that refused what was sent to them.")
    addresses.command("list", epilog="Example: dondoc notify addresses list --json")(list_addresses)
    addresses.command("revive", epilog="Example: dondoc notify addresses revive 7")(revive)
    receipts = group(notify, "receipts", about="What providers say of notices.")
    receipts.command("urls", epilog="Example: dondoc notify receipts urls")(urls)


def bounce(data: Data = None) -> None:
    """Take a mail that came to the return path of our mails, from the standard input.

    Exit code 75 asks the relay to pipe it again later; 0: taken, or no report on a mail of ours.
    """
    import httpx

    from services.notify.receipts.bounces import LARGEST

    raw = sys.stdin.buffer.read(LARGEST)
    if not raw:
        fail("no mail on the standard input: call it as `dondoc notify bounce < mail`", code=2)
    if not has_address("notify", data):
        fail("no stack is running here: set DONDOC_NOTIFY_URL and DONDOC_API_KEY for this command", code=TRY_AGAIN)
    try:
        with client("notify", data) as notify:
            answer = notify.post("/v1/bounces", content=raw, headers={"Content-Type": "message/rfc822"})
    except httpx.HTTPError:
        fail("notify does not take the mail now; the relay is to try again", code=TRY_AGAIN)
    if not answer.is_success:
        fail(f"notify answered {answer.status_code}; the relay is to try again", code=TRY_AGAIN)


def list_addresses(data: Data = None, as_json: AsJson = False) -> None:
    """List dead addresses by unit and role; what they are stands in the directory alone."""
    import orjson

    found, after = [], 0
    with client("notify", data) as notify:
        while True:
            page = ask(notify, "/v1/addresses", after=after, limit=1000)
            found += page["addresses"]
            if page["next"] is None:
                break
            after = page["next"]
    if as_json:
        typer.echo(orjson.dumps({"addresses": found}))
        return
    for one in or_nothing(found, why="no address is dead"):
        typer.echo(f"{one['id']}\t{one['channel']}\t{one['unit']}\t{one['role']}\t{one['dead_at']}\t{one['reason']}")


def revive(
    id: Annotated[int, typer.Argument(help="The number in `dondoc notify addresses list`.")], data: Data = None
) -> None:
    """Let notices go to an address again, once it is known to work."""
    with client("notify", data) as notify:
        call(lambda: notify.post(f"/v1/addresses/{id}/revive"))
    typer.echo(f"{id}: notices go there again")


def urls(data: Data = None, as_json: AsJson = False) -> None:
    """Print the address that each gateway is to call with its receipts. Whoever has it can say that notices arrived."""
    import orjson

    with client("notify", data) as notify:
        found = ask(notify, "/v1/receipts")["urls"]
    if as_json:
        typer.echo(orjson.dumps({"urls": found}))
        return
    for name, url in found.items():
        typer.echo(f"{name}\t{url}")
