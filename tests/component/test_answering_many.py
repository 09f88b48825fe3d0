"""An answer about very many matters: a page at a time, in one transaction; no obligation's own state is rewritten."""
# ruff: noqa: F811 - fixtures come by import

from __future__ import annotations

from typing import Any

import pytest

from services.notify import handlers
from services.notify.answering import taking
from tests.component.answering import desk
from tests.component.office import (
    FRIDAY_1601,
    MONDAY_0730,
    Open,
    migrated,  # noqa: F401 - a fixture
    office,  # noqa: F401 - a fixture
)
from tests.component.test_answering_race import MATTERS, hear_all


async def test_an_answer_about_many_matters_is_one_and_is_taken_whole_or_not_at_all(
    office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "PAGE", 40)
    async with desk(office) as at_work:
        ids = await hear_all(at_work)
        await at_work.office.move_to(FRIDAY_1601)
        await at_work.office.move_to(MONDAY_0730)
        written: list[tuple[int, bool]] = []
        write = handlers.write

        async def spied(connection: Any, changes: Any, *, at: Any, anew: bool = True) -> None:
            if len(written) == 2 and not failed:
                failed.append(True)
                raise ValueError("the third page cannot be written")
            written.append((len(changes), anew))
            await write(connection, changes, at=at, anew=anew)

        failed: list[bool] = []
        monkeypatch.setattr(handlers, "write", spied)
        with pytest.raises(ValueError, match="third page"):
            await at_work.promise(at_work.link())
        assert (await at_work.answers(), await at_work.rows("SELECT * FROM notify.stay")) == ([], [])
        written.clear()
        sent = (await at_work.promise(at_work.link())).json()
        assert (sorted(sent["covered"]), sent["repeated"]) == (ids, False)
        assert written == [(40, False)] * 3 + [(MATTERS - 120, False)]
        [answer] = await at_work.answers()
        assert len(answer["covers"]) == MATTERS
        assert (await at_work.promise(at_work.link())).json()["repeated"] is True
