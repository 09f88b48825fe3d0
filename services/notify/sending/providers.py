"""The providers that notices leave by, as a checked YAML file says. Pure; secrets are named there, never written.

One file holds any number of providers for each channel. `docs/providers.md` shows one of every kind.
"""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from services.notify.sending import gateways

Tls = Literal["none", "starttls", "tls"]
NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"


class ProviderError(ValueError):
    """The file of providers cannot be used; the message names each line and what is wrong there."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _http_address(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give an address that begins with https:// or http://")
    if parts.username or parts.password:
        raise ValueError("an address holds no password: give login with the name of a secret")
    _ = parts.port  # raises ValueError: no number
    return raw


def _described(raw: str) -> str:
    gateways.load(raw)  # raises GatewayError, a ValueError
    return raw


Address = Annotated[str, AfterValidator(_http_address)]
Described = Annotated[str, AfterValidator(_described)]
Secret = Annotated[str, Field(pattern=NAME)]


class Login(_Part):
    """How we log in. secret: name of it: DONDOC_NOTIFY_SECRET_<NAME>, or a file dondoc_notify_secret_<name>."""

    user: str = Field(min_length=1)
    secret: Secret


class _Provider(_Part):
    """What all kinds have.

    share: of its channel's notices, beside the others' shares. connections: sendings at the same time.
    per_second: of each copy of notify. per_hour, per_number_hour: of all copies together. timeout_s: of each answer.
    """

    name: str = Field(pattern=NAME)
    share: int = Field(default=1, ge=1, le=100)
    connections: int = Field(default=4, ge=1, le=50)
    per_second: float | None = Field(default=None, gt=0, le=10_000)
    per_hour: int | None = Field(default=None, ge=1)
    per_number_hour: int | None = Field(default=None, ge=1)
    timeout_s: float = Field(default=20, gt=0, le=90)
    login: Login | None = None
    ca_file: str | None = None  # whom to trust beside nobody else; without it, whom the machine trusts


class Smtp(_Provider):
    """A mail relay. tls: starttls and tls check its certificate, always. mails: over one connection at most."""

    channel: Literal["email"]
    kind: Literal["smtp"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    tls: Tls = "starttls"
    connections: int = Field(default=8, ge=1, le=50)
    timeout_s: float = Field(default=30, gt=0, le=90)
    mails: int = Field(default=100, ge=1, le=10_000)


class Http(_Provider):
    """An SMS gateway behind HTTP. gateway: kannel, esms, speedsms, or a file that describes another. url: in place of
    the gateway's own address. sender: the name that people see."""

    channel: Literal["sms"]
    kind: Literal["http"]
    gateway: Described
    url: Address | None = None
    sender: str = "DonDoc"

    @property
    def address(self) -> str:
        return self.url or gateways.load(self.gateway).url


# source: SMPP 3.4, 5.2.1 and 5.2.2: what a log-in may hold, in letters, without the byte that ends each field
SYSTEM_ID, PASSWORD = 15, 8


def _short_user(login: Login) -> Login:
    if len(login.user) > SYSTEM_ID or not login.user.isascii():
        raise ValueError(f"user: SMPP carries {SYSTEM_ID} letters at most as system_id, without accents")
    return login


class Smpp(_Provider):
    """A message centre. system_type: where it wants one. sender: the name that people see. window: by `connections`."""

    channel: Literal["sms"]
    kind: Literal["smpp"]
    host: str = Field(min_length=1)
    port: int = Field(default=2775, ge=1, le=65535)
    tls: Literal["none", "tls"] = "none"
    login: Annotated[Login, AfterValidator(_short_user)]
    system_type: str = Field(default="", max_length=12)
    sender: str = Field(default="DonDoc", min_length=1, max_length=20)
    enquire_s: float = Field(default=30, gt=0, le=600)  # of silence, until we ask whether the line is alive


class Webhook(_Provider):
    """A program of the province that wants to hear. secret: signs what we say."""

    channel: Literal["webhook"]
    kind: Literal["webhook"]
    url: Address
    secret: Secret


Provider = Annotated[Smtp | Http | Smpp | Webhook, Field(discriminator="kind")]


class Providers(_Part):
    """The whole file."""

    providers: tuple[Provider, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = Counter(provider.name for provider in self.providers)
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"providers: each needs a name of its own, {', '.join(twice)} comes twice")
        return self


def secrets_of(provider: Provider) -> list[str]:
    """Return the names of the secrets that a provider needs."""
    names = [provider.login.secret] if provider.login else []
    return [*names, provider.secret] if isinstance(provider, Webhook) else names


def check_secret(provider: Provider, secret: str) -> None:
    """raises: ProviderError - the provider could never be logged in to with this secret, which is not named."""
    if isinstance(provider, Smpp) and (len(secret) > PASSWORD or not secret.isascii()):
        raise ProviderError(
            f"provider {provider.name}: its secret {provider.login.secret} cannot be used: SMPP carries a password of "
            f"{PASSWORD} letters at most, without accents; ask the centre for a shorter one"
        )


def read(text: str) -> Providers:
    """Return the providers that a YAML text names. raises: ProviderError - with the line of each fault."""
    try:
        document, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ProviderError(f"not readable as YAML: {error}") from None
    if not isinstance(document, dict):
        raise ProviderError("line 1: the file must hold a mapping with providers")
    try:
        return Providers.model_validate(document)
    except ValidationError as error:
        faults = [(_line(node, one["loc"]), one) for one in error.errors(include_input=False, include_url=False)]
        told = (f"line {line}: {_place(one['loc'])}: {_fault(one)}" for line, one in sorted(faults, key=lambda f: f[0]))
        raise ProviderError("\n".join(told)) from None


WORDS = {
    "missing": "is required and is not there",
    "string_too_short": "is required and is empty",
    "too_short": "is required: name one provider at least",
    "extra_forbidden": "is no setting here",
    "union_tag_not_found": "kind is required: smtp, http, smpp or webhook",
}


def _fault(fault: ErrorDetails) -> str:
    return WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))


def _line(node: yaml.Node | None, place: tuple[int | str, ...]) -> int:
    """Return the line of a place, or of the innermost part of it that is there."""
    line = node.start_mark.line + 1 if node else 1
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if found:  # else a step of pydantic's own: which kind it read
                node, line = found[0][1], found[0][0].start_mark.line + 1
    return line


def _place(place: tuple[int | str, ...]) -> str:
    return ".".join(map(str, place)) or "providers"
