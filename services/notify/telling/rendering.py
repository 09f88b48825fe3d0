"""What is sent of a post's news: the mail, the SMS beside it, what the province's own program hears. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import get_args

from services.notify.addressing.directory import Directory
from services.notify.policies.policy import NEAR, Role
from services.notify.pressing.rules import Rules
from services.notify.pressing.stays import Stay
from services.notify.stored import Notice, NoticeKind
from services.notify.telling import digest, hook_text, sms_text, texts, why, wording
from services.notify.telling.entries import Entry, Head, Section, Spoken, merged, sections
from shared.events import NoticeChannel, ObligationChanged, UnitDescribed

TRACES_AT_MOST = 200  # that a notice names in the log


@dataclass(frozen=True, slots=True)
class Present:
    """What notices of one sweep are made from. known: states of the obligations that get a line.

    overdue: of each post, all that is overdue under its head, and of which kinds. silent: the sources that are.
    promised: the promise that stands for each obligation, kept so far or missed.
    """

    units: Directory
    known: Mapping[str, ObligationChanged]
    overdue: Mapping[str, tuple[int, set[Spoken]]]
    reach: Mapping[str, datetime]
    silent: Set[str]
    at: datetime
    rules: Rules
    promised: Mapping[str, Stay]


@dataclass(frozen=True, slots=True)
class Matters:
    """What one notice is about. slot: that it is of. parts: as its text shows the entries.

    id: of the notice, where it has one already.
    """

    post: str
    slot: datetime
    kind: NoticeKind
    entries: Sequence[Entry]
    parts: Sequence[Section]
    id: str = ""


def matters(
    post: str, slot: datetime, entries: Sequence[Entry], *, kind: NoticeKind, rules: Rules, id: str = ""
) -> Matters:
    """Return what a notice of these entries is about. id: of a notice that is made anew."""
    of = merged(entries)
    return Matters(post, slot, kind, of, sections(of, max_lines=rules.policy.max_lines), id)


def mail(of: Matters, present: Present) -> Notice:
    """Return the mail of a digest, or of what goes at once; withheld where nobody is reached."""
    contact = present.units.contact(of.post)
    missed = {id for id, promise in present.promised.items() if promise.state == "missed"}
    reasons = why.of(of.entries, stands_in=_stands_in(of, contact, present.units), missed=missed)
    rendered = _rendered(of, contact, reasons, present)
    return Notice(
        id=_id(of),
        post=of.post,
        role=next(role for role in get_args(Role) if any(entry.role == role for entry in of.entries)),
        channel="email",
        slot=of.slot,
        status="stored" if contact else "withheld",
        reason="" if contact else "no_contact",
        recipient=(contact.email if contact else None) or "",
        subject=rendered.subject,
        text_body=rendered.text,
        html_body=rendered.html,
        items=len(of.entries),
        stored_at=present.at,
        traces=list(dict.fromkeys(entry.trace for entry in of.entries if entry.trace))[:TRACES_AT_MOST],
        kind=of.kind,
        why=reasons,
        template=texts.version("digest"),
    )


def _rendered(of: Matters, contact: UnitDescribed | None, reasons: Sequence[str], present: Present) -> digest.Rendered:
    overdue, kinds = present.overdue.get(of.post, (0, set()))
    answerable = contact is not None and any(map(_can_be_answered, of.entries))
    return digest.render(
        of.parts,
        head=Head(of.post, contact or present.units.units.get(of.post), others=present.units.others(of.post)),
        overdue=overdue,
        kinds=kinds,
        known=present.known,
        names={code: unit.name for code, unit in present.units.units.items()},
        reach=present.reach,
        silent=present.silent,
        slot=of.slot,
        at=present.at,
        policy=present.rules.policy,
        calendar=present.rules.calendar,
        reasons=reasons,
        promised=_in_words(present),
        answer_url=present.rules.answer_url(_id(of), of.post) if answerable else "",
        console_url=present.rules.console_url,
    )


def _in_words(present: Present) -> dict[str, str]:
    """Return what was promised of obligations, and whether it was missed."""
    calendar = present.rules.calendar
    return {
        id: wording.promise_text(missed=promise.state == "missed", until=promise.until, calendar=calendar)
        for id, promise in present.promised.items()
    }


def _can_be_answered(entry: Entry) -> bool:
    return entry.news != "settled" and entry.role != "receiving" and not entry.former and entry.level > NEAR


def sms(beside: Notice, of: Matters, present: Present) -> Notice:
    """Return the SMS beside a mail: to the same head, of the same matters, counts only."""
    contact = present.units.contact(of.post) or present.units.units.get(of.post)
    phone = (contact.phone if contact else None) or ""
    overdue, _ = present.overdue.get(of.post, (0, set()))
    text = sms_text.counts(
        of.parts,
        name=contact.name if contact else of.post,
        others=present.units.others(of.post),
        overdue=overdue,
        slot=of.slot if beside.status == "stored" else None,
        calendar=present.rules.calendar,
    )
    return replace(
        beside,
        id=_id(of, "sms"),
        channel="sms",
        status="stored" if phone else "withheld",
        reason="" if phone else "no_contact",
        recipient=phone,
        subject="",
        text_body=text,
        html_body="",
        template=sms_text.VERSION,
    )


def hooked(beside: Notice, of: Matters, present: Present) -> Notice:
    """Return what the province's own program hears of a notice, whether the mail reaches anybody or not."""
    id = _id(of, "webhook")
    overdue, _ = present.overdue.get(of.post, (0, set()))
    heard = hook_text.body(id, of.post, role=beside.role, slot=of.slot, parts=of.parts, overdue=overdue, why=beside.why)
    return replace(
        beside,
        id=id,
        channel="webhook",
        status="stored",
        reason="",
        recipient="webhook",
        subject="",
        text_body=heard,
        html_body="",
        template="",
    )


def by(channel: NoticeChannel, of: Matters, present: Present) -> Notice:
    """Return what is sent by one channel."""
    made = mail(of, present)
    if channel == "email":
        return made
    return sms(made, of, present) if channel == "sms" else hooked(made, of, present)


def _stands_in(of: Matters, contact: UnitDescribed | None, units: Directory) -> bool:
    headed = {entry.own_post or contact.code for entry in of.entries} if contact else set()
    charges = [units.head(units.units[code]) for code in headed & units.units.keys()]
    return digest.stands_in(of.entries, Head(of.post, contact)) or any(
        charge is not None and charge.why in ("stand_in", "deputy") for charge in charges
    )


def _id(of: Matters, channel: NoticeChannel = "email") -> str:
    """Return the id of a notice: the same in every run, so a repeat is seen as one.

    A post has one digest of a slot; what goes at once is known by what it says.
    """
    if of.id:
        return of.id
    if of.kind == "digest":
        return notice_id(of.post, of.slot, channel)
    said = sorted(f"{e.obligation_id}:{e.revision}:{e.level}:{e.news}" for e in of.entries)
    return notice_id(" ".join((of.kind, of.post, *said)), of.slot, channel)


def notice_id(post: str, slot: datetime, channel: NoticeChannel = "email") -> str:
    """Return the id of a post's digest of a slot: the same in every run, so a repeat is seen as one."""
    by = "" if channel == "email" else f" {channel}"
    return hashlib.sha256(f"{post} {slot.timestamp():.0f}{by}".encode()).hexdigest()[:24]
