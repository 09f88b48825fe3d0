"""Who is told when a notice did not arrive: by another channel, the next person, the operator. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Literal

from services.notify.addressing import numbers
from services.notify.addressing.desks import OFFICER
from services.notify.addressing.directory import Directory
from services.notify.policies.policy import Role
from services.notify.receipts.states import LOST, Receipt
from shared.events import Holding, NoticeChannel, UnitDescribed
from shared.heads import InCharge, in_charge

Address = tuple[NoticeChannel, str]
Fallback = Literal[
    "covered",  # another notice of the same matters arrived, is on its way, or the next digest tells them
    "settled",  # nothing of what it told is pressed for any more
    "other_channel",
    "next_person",
    "operator",
]
OF_ONE_UNIT = 4  # persons: its head, who stands in, deputies


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told. unit: with whom heads it now. is_superior: heads the unit above the first's."""

    unit: UnitDescribed
    charge: InCharge
    is_superior: bool = False

    @property
    def addresses(self) -> list[Address]:
        """The ways to this person: the mail says which matters, so it goes first."""
        found: list[Address] = [("email", self.charge.email.strip().casefold())] if self.charge.email else []
        phone = numbers.number(self.charge.phone or "")
        return [*found, ("sms", phone)] if phone else found


@dataclass(frozen=True, slots=True)
class Way:
    """Where a notice in place of another goes."""

    person: Person
    channel: NoticeChannel
    address: str
    why: Literal["other_channel", "next_person"]


def normal(channel: NoticeChannel, address: str) -> Address:
    """Return an address as `Person.addresses` has it."""
    return channel, (numbers.number(address) or address) if channel == "sms" else address.strip().casefold()


def is_hopeful(*, status: str, receipt: Receipt) -> bool:
    """Return whether a notice arrived, or still may: it waits to be sent, or was sent and nothing says it was lost."""
    return receipt == "delivered" or status == "stored" or (status == "sent" and receipt not in LOST)


def persons(
    units: Directory, post: str, *, on: date, restricted: Set[str] = frozenset(), own_posts: Set[str] = frozenset()
) -> list[Person]:
    """Return who may be told of matters of a unit, in order: who heads it, who would stand in, the head above.

    Above an officer is the head of the unit. The unit above is asked for once: who heads that is told when the ladder
    gets there. The province's head never is.
    own_posts: those of whose head the post is the desk; matters of several go to no deputy, and above to nobody.
    restricted: who must not be told of them; a unit headed by one of these is passed over whole.
    """
    if len(own_posts) > 1:
        return [one for one in persons(units, post, on=on, restricted=restricted) if not one.is_superior][:1]
    post = next(iter(own_posts), post)
    own = _described(units, units.contact(post)) or units.units.get(post)
    found = list(islice(_of(own, on=on), OF_ONE_UNIT)) if own and not units.is_accused(own, restricted) else []
    role: Role = "head" if post.endswith(OFFICER) else "superior"
    superior = units.addressed(unit=post.removesuffix(OFFICER), unit_name=None, role=role, restricted=restricted).post
    above = _described(units, units.contact(superior))
    if above and (own is None or above.code != own.code):
        found += [Person(above, one.charge, is_superior=True) for one in islice(_of(above, on=on), 1)]
    return found


def _described(units: Directory, contact: UnitDescribed | None) -> UnitDescribed | None:
    """Return a unit as the directory has it: a contact's address is its head's, which is no way to a deputy."""
    return units.units[contact.code] if contact else None


def _of(unit: UnitDescribed, *, on: date) -> Iterator[Person]:
    """Yield who is in charge of a unit, then who would be were the ones before absent."""
    posts = unit.posts
    seen: set[tuple[str | None, str | None]] = set()
    while (charge := in_charge(unit.model_copy(update={"posts": posts}), on=on)) is not None:
        if (charge.person, charge.name) in seen:
            return
        seen.add((charge.person, charge.name))
        yield Person(unit, charge)
        if not posts:  # the directory knows one head and nobody else
            return
        away = Holding(post=unit.code, role="head", title="", person=charge.person, name=charge.name, kind="absent")
        posts = (*posts, away)


def next_way(
    persons: Sequence[Person], *, tried: Collection[Address], dead: Collection[Address], sms: bool
) -> Way | None:
    """Return the first way that was not tried and is not dead, None where only the operator is left.

    tried: of the whole group. sms: there is a gateway.
    """
    for place, person in enumerate(persons):
        for channel, address in person.addresses:
            if (channel == "sms" and not sms) or (channel, address) in tried or (channel, address) in dead:
                continue
            return Way(person, channel, address, "next_person" if place else "other_channel")
    return None
