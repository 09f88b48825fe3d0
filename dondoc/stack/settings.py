"""Look at every program's settings before anything starts, and say what is wrong with one. Reads the environment."""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dondoc.stack.errors import StackError
from dondoc.stack.layout import SERVICES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
    from pydantic_settings import BaseSettings

IN_WORDS = {
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
}


def classes() -> Iterator[type["BaseSettings"]]:
    """Yield every settings class: the one that all programs share, and each service's own."""
    from pydantic_settings import BaseSettings

    for name in ("shared.settings", *(f"services.{service}.settings" for service in SERVICES)):
        if importlib.util.find_spec(name) is None:
            continue
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings:
                yield kind


def variable(kind: type["BaseSettings"], field: str) -> str:
    """Return the environment variable of a field."""
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def check() -> None:
    """Read all settings once.

    raises: StackError - some are wrong: each by its variable's name, never with the value of a secret.
    """
    from pydantic import ValidationError

    wrong = dict[str, str]()
    for kind in classes():
        try:
            kind()
        except ValidationError as error:
            for one in error.errors(include_url=False):
                field = str(one["loc"][0])
                wrong[variable(kind, field)] = _why(one, secret=_is_secret(kind, field))
    if wrong:
        raise StackError("; ".join(f"{name} {why}" for name, why in wrong.items()))


def _is_secret(kind: type["BaseSettings"], field: str) -> bool:
    """Return whether a value must not be shown; addresses of servers hold passwords."""
    from pydantic import SecretStr

    known: Any = kind.model_fields.get(field)
    return known is None or known.annotation is SecretStr or field.endswith("_url")


def _why(error: "ErrorDetails", *, secret: bool) -> str:
    said = error["msg"].replace("Input should be", "must be").replace("String should", "must")
    why = IN_WORDS.get(error["type"], said)
    return why if secret else f"{why}, is {str(error['input'])!r}"
