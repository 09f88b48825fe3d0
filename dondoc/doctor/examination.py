"""Every group of checks, each bounded in time; one that fails by itself is a finding like any other."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from dondoc.doctor import broker, certificates, clock, database, mail, reference, services, surroundings
from dondoc.doctor.findings import Finding, wrong
from dondoc.doctor.place import Place

LONGEST_S = 10  # of a group; each single question in it is given 2 to 5 s
GROUPS = {
    "settings": surroundings.examine,
    "nats": broker.examine,
    "postgres": database.examine,
    "clock": clock.examine,
    "certificates": certificates.examine,
    "mail": mail.examine,
    "calendar": reference.examine,
    "services": services.examine,
}


async def examine(place: Place) -> list[Finding]:
    """Look at everything at once, and return the findings in the order of GROUPS."""
    found = await asyncio.gather(*(bounded(name, look, place) for name, look in GROUPS.items()))
    return [finding for findings in found for finding in findings]


async def bounded(
    name: str, look: Callable[[Place], Awaitable[list[Finding]]], place: Place, *, within_s: float = LONGEST_S
) -> list[Finding]:
    """Run one group. What it raises may repeat an address with its password, so only its kind is told."""
    try:
        async with asyncio.timeout(within_s):
            return await look(place)
    except TimeoutError:
        return [wrong(name, f"no answer within {within_s:g} s", "look at the load of the servers and at the network")]
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        said = f"the check itself failed: {type(error).__name__} in {last.name}, line {last.lineno} of {last.filename}"
        return [wrong(name, said, "tell those who maintain the program, with this line")]
