"""What each service is given by its environment: where the others are, its own log-ins and keys, nobody else's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dondoc.stack import layout

if TYPE_CHECKING:
    from dondoc.stack.supervisor import Stack

LOGINS = ("_NATS_URL", "_DATABASE_URL")  # endings of the settings that hold a user and a password
SIGNING_KEY = "DONDOC_INTAKE_SIGNING_KEY"
LINK_KEYS, RECEIPTS_KEY = "DONDOC_NOTIFY_LINK_KEYS", "DONDOC_NOTIFY_RECEIPTS_KEY"
IDENTITY_KEYS = "DONDOC_COMPLAINTS_IDENTITY_KEYS"
NOT_FOR_ALL = (*LOGINS, SIGNING_KEY, LINK_KEYS, RECEIPTS_KEY, IDENTITY_KEYS)
FOR_NOTIFY = tuple(f"DONDOC_NOTIFY_{name}" for name in ("SECRET_", "SMTP_PASSWORD", "SMS_PASSWORD"))


def api_key(secrets: layout.Secrets) -> str:
    """Return the operator's own key, else the generated one."""
    return os.environ.get("DONDOC_API_KEY") or secrets.api_key


def service_environment(stack: Stack, name: str) -> dict[str, str]:
    """Return the environment of a service: the caller's without what others log in with, and where the parts are."""
    others = {given for given in os.environ if given.startswith("DONDOC_") and given.endswith(NOT_FOR_ALL)}
    if name != "notify":
        others |= {given for given in os.environ if given.startswith(FOR_NOTIFY)}
    return {
        **{given: value for given, value in os.environ.items() if given not in others},
        "DONDOC_NATS_URL": stack.nats_url(name),
        "DONDOC_DATABASE_URL": stack.database_url(name),
        "DONDOC_HTTP_HOST": layout.HOST,
        "DONDOC_HTTP_PORT": str(stack.ports[name]),
        "DONDOC_API_KEY": api_key(stack.secrets),
        "DONDOC_SEAL_KEYS": os.environ.get("DONDOC_SEAL_KEYS") or stack.secrets.seal,
        "DONDOC_DATA": str(stack.plan.data),
        "PYTHONUNBUFFERED": "1",
        **{key: os.environ.get(key) or made for key, made in _keys(stack.secrets, name).items()},
    }


def _keys(secrets: layout.Secrets, name: str) -> dict[str, str]:
    """Return the keys that a service alone is given, by their settings."""
    of_service = {
        "intake": {SIGNING_KEY: secrets.signing_key},
        "complaints": {IDENTITY_KEYS: secrets.identity_key},
        "notify": {LINK_KEYS: secrets.link_key, RECEIPTS_KEY: secrets.receipts_key},
    }
    return of_service.get(name, {})
