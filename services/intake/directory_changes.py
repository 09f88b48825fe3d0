"""What a load does to the directory: given members put into what is known, checked as a whole, and told apart. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.intake.directory import HEAD_TITLE, KIND, DirectoryError, Given, Mistake

Document = dict[str, Any]
NEW: Mapping[str, Any] = {
    "kind": KIND,
    "parent_code": None,
    "head_title": HEAD_TITLE,
    "head_name": None,
    "email": None,
    "phone": None,
    "aliases": [],
    "active": True,
}  # what a unit is that nobody knew, where its table does not say
UNSAID: Mapping[str, Any] = {
    "difficult": False,
    "valid_from": None,
    "valid_until": None,
    "successors": [],
    "limited_aliases": [],
    "posts": [],
}  # what a document means that was stored before a member was there


def put_together(known: Mapping[str, Document], given: Given) -> dict[str, Document]:
    """Return the documents of the units that are given, with what stays of those known.

    raises: DirectoryError - posts or aliases of a unit nobody knows, a successor nobody knows, successors without a
        last day, a unit that is above itself or comes after itself.
    """
    documents: dict[str, Document] = {}
    mistakes = []
    for code in given.codes:
        if code not in known and code not in given.units:
            mistakes.append(Mistake(given.at[code], f"no unit has the code {code}"))
            continue
        document = {**NEW, **UNSAID, **known.get(code, {}), **given.units.get(code, {})}
        if code in given.posts:
            document["posts"] = given.posts[code]
        if code in given.aliases:
            document["limited_aliases"] = given.aliases[code]
        documents[code] = document
    whole = {**known, **documents}
    for code, document in documents.items():
        mistakes += [Mistake(given.at[code], why) for why in _mistakes(code, document, whole)]
    if mistakes:
        raise DirectoryError(mistakes)
    return documents


def _mistakes(code: str, document: Document, whole: Mapping[str, Document]) -> Iterator[str]:
    if unknown := [other for other in document["successors"] if other not in whole]:
        yield f"no unit has the code of these successors of {code}: {', '.join(unknown)}"
    if document["successors"] and document["active"] and not document["valid_until"]:
        yield f"{code} has successors: fill valid_until, its last day"
    if _comes_back(code, lambda at: [whole[at]["parent_code"]] if at in whole else []):
        yield f"the unit {code} is above itself"
    if _comes_back(code, lambda at: whole[at].get("successors", []) if at in whole else []):
        yield f"the unit {code} comes after itself: its successors lead back to it"


def _comes_back(code: str, following: Callable[[str], list[str]]) -> bool:
    seen: set[str] = set()
    waiting = list(following(code))
    while waiting:
        at = waiting.pop()
        if at == code:
            return True
        if at not in seen:
            seen.add(at)
            waiting += following(at)
    return False


def differences(known: Mapping[str, Document], documents: Mapping[str, Document]) -> list[dict[str, Any]]:
    """Return each member that changes: unit, its name, member, `old` and `new`; of a new unit those that are filled."""
    found = []
    for code, document in documents.items():
        before = {**UNSAID, **known[code]} if code in known else {}
        for member, new in document.items():
            old = before.get(member)
            if member != "code" and old != new and (before or new not in (None, [], False)):
                found.append({"unit": code, "name": document["name"], "member": member, "old": old, "new": new})
    return found
