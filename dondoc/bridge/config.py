"""The bridge's file: whom to ask, in which words, and where secrets are. Checked as a whole, with line and reason.

The portal's official technical guide is not public. Login, session and the shape of a call are as seen in public code
(domain/national-sync.md, section 1); the services that list what changed and take the acknowledgement have no public
name, so each feed must name its own, and every member's name is a setting.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

LOOPBACK = ("127.0.0.1", "localhost", "::1")
Name = Annotated[str, Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]


class ConfigError(Exception):
    """The file cannot be used; the message names the line and the reason of each mistake."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Names(_Part):
    """What the members of a call are named. size: how many elements are asked for; none: the portal decides."""

    username: Name = "username"
    password: Name = "password"  # noqa: S105 - what the member is named
    session: Name = "session"
    agency: Name = "madonvi"
    service: Name = "service"
    data: Name = "data"
    error_code: Name = "error_code"
    result: Name = "result"
    size: Name | None = None


class Portal(_Part):
    """The portal. agency: whose dossiers are asked for. plain_http: allow http:// to another machine."""

    url: Url
    login_path: Annotated[str, Field(pattern=r"^/[^\s]*$")]
    call_path: Annotated[str, Field(pattern=r"^/[^\s]*$")]
    username: Name
    password_env: Name | None = None
    password_file: Path | None = None
    agency: Name
    names: Names = Names()
    ca_file: Path | None = None
    plain_http: bool = False
    timeout_s: Annotated[float, Field(ge=1, le=600)] = 30

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        _one_of(password_env=self.password_env, password_file=self.password_file)
        parts = urlsplit(self.url)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.plain_http:
            raise ValueError("the password would travel in the clear: use https://, or set plain_http: true")
        return self

    def password(self) -> SecretStr:
        return secret(self.password_env, self.password_file)


class Intake(_Part):
    """Our intake and the key it asks for."""

    url: Url
    key_env: Name | None = None
    key_file: Path | None = None
    timeout_s: Annotated[float, Field(ge=1, le=600)] = 30

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        _one_of(key_env=self.key_env, key_file=self.key_file)
        return self

    def key(self) -> SecretStr:
        return secret(self.key_env, self.key_file)


class Feed(_Part):
    """One kind of news. list, ack: the portal's services that list it and take what was stored.

    carries: as what intake is to read it. ack_by: members of an element that the acknowledgement names it by. With
    MaHoSo alone, a portal that keeps one mark a dossier takes a change made between listing and acknowledgement as
    taken too: where it gives a version or the change an id, name that member here. more: further members of the calls.
    """

    list: Name
    ack: Name
    carries: Literal["DongBoHoSoMC", "CapNhatTienDoHoSoMC", "CreateDossier", "CapNhatTienTrinh", "CapNhatTrangThai"]
    ack_by: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10)] = ("MaHoSo",)
    more: dict[Name, str | int | bool] = {}


class Config(_Part):
    """The whole file. source: under which intake knows the portal. every_s: between two rounds."""

    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    every_s: Annotated[float, Field(ge=1, le=86_400)] = 60
    page: Annotated[int, Field(ge=1, le=1000)] = 50
    portal: Portal
    intake: Intake
    feeds: Annotated[tuple[Feed, ...], Field(min_length=1, max_length=20)]


def _one_of(**ways: object) -> None:
    if sum(way is not None for way in ways.values()) != 1:
        raise ValueError(f"give one of {', '.join(ways)}: a secret stands in the environment or in a file of its own")


def secret(variable: str | None, file: Path | None) -> SecretStr:
    """Return a secret. raises: ConfigError - it is not there, or empty."""
    try:
        found = file.read_text("utf-8") if file else os.environ.get(variable or "", "")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the secret in {file}: {type(error).__name__}") from None
    if not found.strip():
        raise ConfigError(f"there is no secret in {file or variable}")
    return SecretStr(found.strip())


def load(path: Path) -> Config:
    """Read and check a file. raises: ConfigError - each mistake as `file:line: place: reason`."""
    try:
        text = path.read_text("utf-8-sig")
        given, node = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{path}: not YAML: a character is not allowed") from None
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        told = [
            f"{path}:{_line(node, one['loc'])}: {'.'.join(map(str, one['loc'])) or 'file'}: "
            + one["msg"].removeprefix("Value error, ")
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigError("; ".join(told)) from None


def _line(node: yaml.Node | None, place: Iterable[Any]) -> int:
    """Return the line of an entry, else of what it should be part of."""
    line = 1
    for step in place:
        found: tuple[int, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((k.start_mark.line, v) for k, v in node.value if k.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step].start_mark.line, node.value[step]
        if found is None:
            break
        line, node = found[0] + 1, found[1]
    return line
