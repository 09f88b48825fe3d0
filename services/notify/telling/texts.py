"""The templates of notices: their versions, and how they are filled in. Pure but for reading them once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

Name = Literal["digest", "weekly", "absence", "pattern"]

VERSION = re.compile(r"\A\{# version: (\d+) #\}\n")


class TemplateError(ValueError):
    """A template does not begin with its version."""


def filled(name: Name, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return plain text and HTML; values are escaped in the HTML."""
    text, html = (_environment().get_template(f"{name}.{form}.j2") for form in ("txt", "html"))
    return text.render(values), html.render(values)


@cache
def version(name: Name) -> str:
    """Return which text a notice was made from, such as `digest 2`: kept with it. raises: TemplateError - it has none.

    Both forms of a template say the same and have one version; whoever changes a word of either raises it in both.
    """
    loader = PackageLoader("services.notify.telling", "templates")
    found = set()
    for form in ("txt", "html"):
        begin = VERSION.match(loader.get_source(_environment(), f"{name}.{form}.j2")[0])
        found.add(begin.group(1) if begin else "")
    if len(found) > 1 or "" in found:
        raise TemplateError(f"{name}: begin both forms with {{# version: N #}}, with the same number")
    return f"{name} {found.pop()}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("services.notify.telling", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
