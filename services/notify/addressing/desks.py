"""Which units one person heads: what they are told of all of these is one notice. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from shared.heads import InCharge

OFFICER = "/officer"  # behind a unit's code: the post of who works on its matters, as if it were a unit below it
Person = tuple[bool, str, str]


def desks(heads: Mapping[str, InCharge]) -> dict[str, str]:
    """Return the desk of each unit whose head heads others too: that of these with the smallest code.

    heads: by unit, each with an address; officers are among themselves. A person is known by the
    id, where a unit gives none by the address, which is that of one person with an id or of nobody with one.
    """
    known: dict[str, set[str]] = defaultdict(set)
    for head in heads.values():
        if head.person:
            known[_address(head)].add(head.person)
    of: dict[Person, list[str]] = defaultdict(list)
    for code in sorted(heads):
        head, address = heads[code], _address(heads[code])
        person = head.person or (min(known[address]) if len(known[address]) == 1 else "")
        of[code.endswith(OFFICER), person, "" if person else address].append(code)
    return {code: codes[0] for codes in of.values() if len(codes) > 1 for code in codes}


def _address(head: InCharge) -> str:
    return (head.email or "").strip().casefold()
