"""docs/feeds.md shows every type of our own format, and what it shows is taken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.intake import national, statements
from services.intake.own.schema import schema
from services.intake.own.types import TYPES

BLOCKS = re.findall(r"```json (\S+)\n(.*?)```", (Path(__file__).parents[2] / "docs/feeds.md").read_text("utf-8"), re.S)


def test_every_type_is_shown_once_and_none_that_is_not_there() -> None:
    assert sorted(name for name, _ in BLOCKS) == sorted([*statements.TYPES, "national", "facts"])


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_what_is_shown_is_taken_and_has_no_member_that_nobody_reads(name: str, block: str) -> None:
    document: dict[str, Any] = orjson.loads(block)
    if name == "national":
        read = national.read(block.encode())
        assert (len(read.objects), len(read.refused)) == (1, 0)
        return
    if name != "facts":
        envelope = {
            "specversion": "1.0",
            "id": "1",
            "source": "/x",
            "type": name,
            "subject": "000.00.12.H56-261102-0001",
        }
        document = {**envelope, "data": document}
    taken = statements.read(orjson.dumps(document))
    assert not taken.refused, taken.refused
    assert document["data"].keys() <= type(taken.objects[0].data).model_fields.keys()


def test_the_schema_names_every_type_and_what_it_refers_to_is_in_it() -> None:
    document = schema()
    named = [one["title"] for one in document["$defs"]["Event"]["oneOf"]]
    assert named == list(TYPES)
    referred = set(re.findall(r'"#/\$defs/([^"]+)"', orjson.dumps(document).decode()))
    assert referred == set(document["$defs"])
