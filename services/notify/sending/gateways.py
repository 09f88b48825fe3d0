"""An SMS gateway as a file describes it: which call sends a message, and what each answer means. Pure.

The carried ones are of Kannel's `sendsms`, eSMS and SpeedSMS; another gateway is a file of the same shape. Places that
are filled in: {user}, {password}, {sender}, {to} (84…), {to_local} (0…), {text}, {id} (the same at every try), and
{callback} in what is sent so that receipts come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from services.notify.receipts.callbacks import Callbacks
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater

CARRIED = Path(__file__).parent / "data" / "gateways"
LONGEST_ANSWER = 4096  # bytes that are looked at
LONGEST_REFERENCE = 128
UNSURE = (502, 504)  # of a gateway's own proxy: whether the gateway took it is not known
_PLACE = re.compile(r"\{(user|password|sender|to|to_local|text|id|callback)\}")


class GatewayError(ValueError):
    """The file of an SMS gateway cannot be used; names the place and what is wrong there."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Words = Annotated[tuple[str, ...], BeforeValidator(lambda raw: [str(one) for one in raw])]


class Answers(_Part):
    """What answers mean. http: status codes that are looked into. code: member of the JSON answer, or `body`.

    sent, give_up: values of `code`, of a body its beginning; all else is tried again, as it may be mended. dead: those
    of `give_up` that say that there is no such number. reference: where the gateway's own id of the message is: a
    member as `data.tranId`, of a body a pattern whose group it is.
    """

    http: tuple[int, ...] = (200,)
    code: str
    sent: Words = Field(min_length=1)
    give_up: Words = ()
    dead: Words = ()
    reference: str = ""


class Gateway(_Part):
    """One gateway. query, json: what is sent, places filled in. login: HTTP basic authentication."""

    url: str = Field(pattern=r"^https?://")
    method: Literal["GET", "POST"]
    query: Mapping[str, str] = {}
    json_body: Mapping[str, Any] | None = Field(default=None, alias="json")
    login: tuple[str, str] | None = None
    answers: Answers
    receipts: Callbacks | None = None


def read(text: str) -> Gateway:
    """Return the gateway that a YAML text describes. raises: GatewayError."""
    try:
        return Gateway.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise GatewayError(f"not readable as YAML: {error}") from None
    except ValidationError as error:
        places = (f"{'.'.join(map(str, e['loc'])) or 'gateway'}: {e['msg']}" for e in error.errors(include_input=False))
        raise GatewayError("; ".join(places)) from None


@cache
def load(name: str) -> Gateway:
    """Return a carried gateway by name, or the one of a file, read once. raises: GatewayError - there is none."""
    known = carried()
    path = CARRIED / f"{name}.yaml" if name in known else Path(name)
    try:
        return read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise GatewayError(f"there is no gateway {name!r}: name one of {', '.join(known)}, or a file") from None


def filled(part: Any, values: Mapping[str, str]) -> Any:
    """Return a part of a call with its places filled in."""
    if isinstance(part, str):
        return _PLACE.sub(lambda place: values[place[1]], part)
    if isinstance(part, Mapping):
        return {name: filled(one, values) for name, one in part.items()}
    if isinstance(part, list | tuple):
        return [filled(one, values) for one in part]
    return part


def judged(answers: Answers, *, status: int, body: bytes, retry_after_s: int | None = None) -> Outcome:
    """Return what an answer means. The reason names codes only: answers may repeat the number."""
    if status not in answers.http:
        return TryLater(f"gateway answered HTTP {status}", retry_after_s, unsure=status in UNSURE)
    code = _code(answers, body[:LONGEST_ANSWER])
    matches = code.startswith if answers.code == "body" else code.__eq__
    if any(matches(one) for one in answers.sent):
        return Sent(_reference(answers, body[:LONGEST_ANSWER]))
    said = f"gateway answered {code[:12]!r}" if answers.code != "body" else f"gateway refused with HTTP {status}"
    if any(matches(one) for one in answers.give_up):
        return GiveUp(said, no_such_address=any(matches(one) for one in answers.dead))
    return TryLater(said)


def named(setting: str) -> str:
    """Return what a gateway of the single settings is called: a carried one's name, of a file what its name begins."""
    return re.sub(r"[^a-z0-9_-]+", "-", Path(setting).stem.lower()).strip("-_")[:40] or "gateway"


def carried() -> list[str]:
    """Return the names of the descriptions that the program carries."""
    return sorted(path.stem for path in CARRIED.glob("*.yaml"))


def _code(answers: Answers, body: bytes) -> str:
    if answers.code == "body":
        return body.decode(errors="replace").strip()
    return _member(answers.code, body)


def _reference(answers: Answers, body: bytes) -> str:
    if not answers.reference:
        return ""
    if answers.code != "body":
        return _member(answers.reference, body)[:LONGEST_REFERENCE]
    found = re.search(answers.reference, body.decode(errors="replace"))
    return found[1][:LONGEST_REFERENCE] if found and found.re.groups else ""


def _member(path: str, body: bytes) -> str:
    """Return a member of a JSON answer, "" where there is none."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return "" if found is None else str(found)
