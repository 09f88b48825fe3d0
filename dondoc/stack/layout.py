"""Where a stack keeps what it keeps: ports, files below the data directory, secrets."""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from dondoc.stack.errors import StackError

SERVICES = ("intake", "deadline", "complaints", "notify", "console")  # in the order they start
OPERATOR = "operator"  # the login of `dondoc` itself: status, doctor, the driver of a moved clock
RESERVED = (*SERVICES, OPERATOR, "tick")  # no names of sources: logins of our own, and feed.tick.> moves the clock
PORT_OFFSETS = {
    "console": 0,
    "intake": 1,
    "deadline": 2,
    "complaints": 3,
    "notify": 4,
    "nats": 10,
    "nats_monitoring": 11,
    "postgres": 12,
}
DEFAULT_PORT_BASE = 8000
DEMO_DATA = Path("var/demo")  # unless the demo is told otherwise
HOST = "127.0.0.1"


def is_source(name: str) -> bool:
    """Return whether a source may log in under this name; intake takes the same names."""
    return re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name) is not None and name not in RESERVED


def data_dir(given: Path | None) -> Path:
    """Return the stack's data directory, absolute: the given one, else DONDOC_DATA, else ./var."""
    return (given or Path(os.environ.get("DONDOC_DATA") or "var")).expanduser().absolute()


def ports(base: int) -> dict[str, int]:
    """Return the port of each program of a stack whose first port is `base`."""
    return {name: base + offset for name, offset in PORT_OFFSETS.items()}


@dataclass(frozen=True)
class Secrets:
    """The generated passwords of one stack; they never leave its data directory."""

    postgres: str
    roles: dict[str, str]  # of PostgreSQL, one a service
    api_key: str
    nats: dict[str, str]  # one a service, and the operator's
    sources: dict[str, str]  # of NATS too; one for each source that was named
    closed: list[str]  # sources that NATS lets in no more
    signing_key: str  # from which intake derives what sources sign with
    link_key: str  # under which notify signs the links in its mails
    receipts_key: str  # by which notify knows what providers say of its notices
    seal: str  # the key under which services seal what is quarantined
    identity_key: str  # under which complaints seals who wrote a feedback

    @property
    def open_sources(self) -> dict[str, str]:
        return {name: password for name, password in self.sources.items() if name not in self.closed}


def load_secrets(data: Path, *, sources: Iterable[str] = (), closed: Iterable[str] | None = None) -> Secrets:
    """Return the secrets kept in `data`, readable by their owner alone; what is not there yet is made.

    sources: names that get a login, if they have none. closed: names whose login NATS is not told; None: as before.
    """
    path = data / "secrets.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    if isinstance(kept.get("nats"), str):
        del kept["nats"]  # an earlier version had one login for all
    new = Secrets(
        postgres=kept.get("postgres") or secrets.token_hex(16),
        roles=_passwords(SERVICES, kept.get("roles", {})),
        api_key=kept.get("api_key") or secrets.token_hex(24),
        nats=_passwords((*SERVICES, OPERATOR), kept.get("nats", {})),
        sources=_passwords(sources, kept.get("sources", {})),
        closed=sorted(kept.get("closed", ()) if closed is None else closed),
        signing_key=kept.get("signing_key") or secrets.token_hex(32),
        link_key=kept.get("link_key") or secrets.token_hex(32),
        receipts_key=kept.get("receipts_key") or secrets.token_hex(32),
        seal=kept.get("seal") or _sealing_key(),
        identity_key=kept.get("identity_key") or _sealing_key(),
    )
    if asdict(new) != kept:
        write_private(path, json.dumps(asdict(new), indent=1))
    return new


def make_private(data: Path) -> None:
    """Make the data directory and its folder for logs, for their owner alone; those that are there stay as they are.

    raises: StackError - it cannot be written.
    """
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        for folder in (data, data / "logs"):
            folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise StackError(f"cannot write to {data}: {error.strerror}; choose another --data directory") from None


def _sealing_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _passwords(names: Iterable[str], kept: dict[str, str]) -> dict[str, str]:
    return {name: secrets.token_hex(16) for name in names} | kept


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
