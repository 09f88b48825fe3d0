"""Where a stack keeps what it keeps: ports, files below the data directory, secrets."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from dondoc.stack.errors import StackError

SERVICES = ("intake", "deadline", "complaints", "notify", "console")  # in the order they start
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


def data_dir(given: Path | None) -> Path:
    """Return the stack's data directory, absolute: the given one, else DONDOC_DATA, else ./var."""
    return (given or Path(os.environ.get("DONDOC_DATA") or "var")).expanduser().absolute()


def ports(base: int) -> dict[str, int]:
    """Return the port of each program of a stack whose first port is `base`."""
    return {name: base + offset for name, offset in PORT_OFFSETS.items()}


@dataclass(frozen=True)
class Secrets:
    """The generated passwords of one stack; they never leave its data directory."""

    nats: str
    postgres: str
    roles: dict[str, str]  # one a service
    api_key: str


def load_secrets(data: Path) -> Secrets:
    """Return the secrets kept in `data`, made on the first call and readable by their owner alone."""
    path = data / "secrets.json"
    if path.exists():
        return Secrets(**json.loads(path.read_text()))
    new = Secrets(
        nats=secrets.token_hex(16),
        postgres=secrets.token_hex(16),
        roles={service: secrets.token_hex(16) for service in SERVICES},
        api_key=secrets.token_hex(24),
    )
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


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
