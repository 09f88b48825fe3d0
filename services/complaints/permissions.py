"""Who may do what with a feedback: the rule for one, and the same as a condition of SQL for many. Pure.

Of a matter that is about them nobody learns anything, whatever their role: neither the person nor that person's unit. A
denunciation, or what may be one until an officer has decided, is for inspectors, and for those whom their unit trusts
with what was given to it.
law: Luật Tố cáo 2018, articles 8, 23 and 56 - who denounces is secret, and never dealt with by the one denounced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

Role = Literal["operator", "sorter", "handler", "inspector", "confidant", "identity_reader", "auditor"]
Action = Literal[
    "read", "decide", "refuse", "transfer", "join", "accept", "not_ours", "ask", "extend", "answer", "publish",
    "read_identity",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS: tuple[Action, ...] = get_args(Action)
SORTING: frozenset[Action] = frozenset(("read", "decide", "refuse", "transfer", "join", "ask", "publish"))
HANDLING: frozenset[Action] = frozenset(("read", "accept", "not_ours", "ask", "extend", "answer", "publish", "refuse"))


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. id: opaque. unit: its code; person: as posts have it; None: not tied to any. under: who is over them.

    heir_of: units that are no more and in whose place the own one alone stands. former: all in whose place it stands,
    also beside others.
    operator: the holder of the installation's key: does in the open all that others do there.
    inspector: sees all that is restricted. confidant: what is restricted and was given to the own unit.
    """

    id: str
    unit: str | None
    person: str | None
    roles: frozenset[Role]
    under: frozenset[str] = frozenset()
    heir_of: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()

    @property
    def own(self) -> frozenset[str]:
        """Return the units whose matters are its own."""
        return self.heir_of | {self.unit} if self.unit else frozenset()

    @property
    def names(self) -> list[str]:
        """Return the words under which it may be the one accused, or work for that one."""
        return [word for word in (self.unit, self.person, *sorted(self.under | self.former)) if word]


@dataclass(frozen=True, slots=True)
class About:
    """What of a feedback decides. handler: the code of the unit that must act. not_to: whom it is about."""

    restricted: bool
    handler: str | None
    not_to: frozenset[str]


def may(actor: Actor, action: Action, about: About) -> bool:
    """Return whether an actor may do something with a feedback."""
    if not about.not_to.isdisjoint(actor.names):
        return False
    if action == "read_identity":
        return "identity_reader" in actor.roles and may(actor, "read", about)
    roles, own = actor.roles, about.handler in actor.own
    if about.restricted:
        return ("inspector" in roles and action in SORTING | HANDLING) or (
            "confidant" in roles and own and action in HANDLING
        )
    return (
        ("operator" in roles and action in SORTING | HANDLING)
        or ("sorter" in roles and action in SORTING)
        or ("handler" in roles and own and action in HANDLING)
    )


def may_bring(actor: Actor) -> bool:
    """Return whether an actor may bring feedback in from elsewhere: of the hotline, of the portal."""
    return not actor.roles.isdisjoint(("operator", "sorter"))


def may_count(actor: Actor) -> bool:
    """Return whether an actor may see figures of feedback at all: of all units, or of the own one."""
    return may_bring(actor) or ("handler" in actor.roles and actor.unit is not None)


def is_counted(actor: Actor, about: About, *, against: str | None, decided: bool) -> bool:
    """Return whether a feedback is in the figures that an actor sees. against: the unit that it counts against.

    A unit sees of its own only what an officer has decided: else a figure that falls again would tell it that
    something became a denunciation.
    """
    if about.restricted or not about.not_to.isdisjoint(actor.names):
        return False
    own = against in actor.own
    return may_bring(actor) or ("handler" in actor.roles and own and decided)


# The same, of rows of complaints.complaint under the name c; its values are among `visible_values`.
COUNTED = (
    "(NOT c.restricted AND NOT c.not_to && CAST(:names AS text[]) "
    "AND (:sees_open OR (:handles AND c.about_unit = ANY(CAST(:own_units AS text[])) AND c.kind_by IS NOT NULL)))"
)


# `may` for `read`, of rows of complaints.complaint under the name c; its values are `visible_values`.
VISIBLE = (
    "(NOT c.not_to && CAST(:names AS text[]) AND CASE WHEN c.restricted "
    "THEN :sees_restricted OR (:trusted AND c.handler = ANY(CAST(:own_units AS text[]))) "
    "ELSE :sees_open OR (:handles AND c.handler = ANY(CAST(:own_units AS text[]))) END)"
)


def visible_values(actor: Actor) -> dict[str, Any]:
    """Return the values of `VISIBLE`."""
    return {
        "names": actor.names,
        "own_units": sorted(actor.own),
        "sees_open": not actor.roles.isdisjoint(("operator", "sorter")),
        "handles": "handler" in actor.roles,
        "sees_restricted": "inspector" in actor.roles,
        "trusted": "confidant" in actor.roles,
    }


def may_find(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Return the same for rows of complaints.finding, where nothing is under seal, as a condition and its values."""
    sql = (
        "NOT (finding.not_to && CAST(:may_names AS text[])) "
        "AND (:may_all OR (:may_handle AND finding.handler = ANY(CAST(:may_units AS text[]))))"
    )
    values = visible_values(actor)
    return sql, {
        "may_names": values["names"],
        "may_all": values["sees_open"],
        "may_handle": values["handles"],
        "may_units": values["own_units"],
    }
