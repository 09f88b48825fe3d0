"""Feedback with files over HTTP, for programs: kept as they come, all or none, refused in both languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints import taking
from services.complaints.secrecy import sweeping
from services.complaints.secrecy.configured import folder_of, settings_of
from tests.component.feedback import COMMUNE, OPERATOR, Desk, opened_desk
from tests.unit.complaints import given_files as files

PDF = ("files", ("đơn.pdf", files.PDF, "application/pdf"))
PNG = ("files", ("ảnh.png", files.PNG, "image/png"))
PROGRAM = ("files", ("đơn.pdf", b"MZ" + bytes(500), "application/pdf"))
FILING = {"text": "Hồ sơ đất của tôi chậm trả kết quả.", "kind_hint": "reflection"}
PATH = "/v1/complaints"


class TooLongError(Exception):
    sqlstate = "22001"


@pytest_asyncio.fixture
async def desk(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened_desk(nats_url, postgres_url, tmp_path, complaints_attachment_files=2) as started:
        yield started


async def send(desk: Desk, *given: Any, path: str = PATH, field: str = "filing", **body: Any) -> httpx.Response:
    return await desk.client.post(path, data={field: orjson.dumps(body or FILING)}, files=list(given))


def on_disk(desk: Desk) -> list[Path]:
    return [file for file in folder_of(settings_of(desk.running)).rglob("*") if file.is_file()]


async def rows(desk: Desk) -> tuple[int, int]:
    """Return how many feedbacks and attachments there are."""
    async with desk.running.engine.connect() as connection:
        counted = await connection.execute(
            text("SELECT (SELECT count(*) FROM complaints.complaint), (SELECT count(*) FROM complaints.attachment)")
        )
        found = counted.one()
        return found[0], found[1]


async def test_a_feedback_is_filed_with_files_which_officers_read_as_they_were(desk: Desk) -> None:
    filed = await send(desk, PDF, PNG)
    assert filed.status_code == 201, filed.text
    code = filed.json()["code"]
    assert (await desk.done(code, "follow", {}, secret=filed.json()["secret"]))["state"] == "received"
    listed = (await desk.client.get(f"{PATH}/{code}/attachments", headers=OPERATOR)).json()["attachments"]
    assert {one["name"]: one["type"] for one in listed} == {"đơn.pdf": "application/pdf", "ảnh.png": "image/png"}
    for one in listed:
        read = await desk.client.get(f"{PATH}/{code}/attachments/{one['id']}", headers=OPERATOR)
        assert read.content == {"đơn.pdf": files.PDF, "ảnh.png": files.PNG}[one["name"]]
    assert len(on_disk(desk)) == 2


@pytest.mark.parametrize(
    ("given", "reason", "file"),
    [((PDF, PROGRAM), "differs", 2), ((PDF, PNG, PNG), "too_many", 3), ((("files", ("a.exe", b"MZ")),), "unknown", 1)],
)
async def test_a_file_that_is_refused_leaves_nothing_and_is_told_in_both_languages(
    desk: Desk, given: tuple[Any, ...], reason: str, file: int
) -> None:
    answer = await send(desk, *given)
    told = answer.json()
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert (told["reason"], told["file"]) == (reason, file)
    assert told["vi"] != told["detail"]
    assert "đơn" not in told["vi"] + told["detail"]
    assert (await rows(desk), on_disk(desk)) == ((0, 0), [])


async def test_a_form_that_is_not_ours_leaves_nothing(desk: Desk) -> None:
    assert (await send(desk, PDF, text="")).status_code == 422
    assert (await send(desk, PDF, text="x", secret_of="y")).status_code == 422
    assert (await send(desk, PDF, field="complaint")).status_code == 400
    assert (await desk.client.post(PATH, files=[PDF], data={})).status_code == 400
    form = httpx.Request("POST", "http://x", data={"filing": orjson.dumps(FILING)}, files=[PDF])
    whole, headers = form.read(), {"Content-Type": form.headers["Content-Type"]}
    cut = await desk.client.post(PATH, content=whole[:-100], headers=headers)
    assert (cut.status_code, cut.json()["detail"]) == (400, "the form is cut off")
    packed = await desk.client.post(PATH, content=whole, headers=headers | {"Content-Encoding": "gzip"})
    assert packed.status_code == 415
    assert (await desk.client.post(PATH, content=whole, headers={"Content-Type": "multipart/form-data"})).is_error
    assert (await rows(desk), on_disk(desk)) == ((0, 0), [])


async def test_files_of_a_filing_that_is_not_stored_go_at_once_or_where_it_is_not_sure_with_the_sweep(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    error: Exception = ValueError("it does not fit")

    async def fail(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(taking, "_add", fail)
        with pytest.raises(ValueError, match="does not fit"):
            await send(desk, PDF)
        assert on_disk(desk) == []
        error = TimeoutError()
        assert (await send(desk, PDF)).status_code == 503
    assert (await send(desk, PNG)).status_code == 201
    assert len(on_disk(desk)) == 2
    removed = await sweeping.sweep(desk.running, folder_of(settings_of(desk.running)), older_than_s=-5)
    assert (removed, len(on_disk(desk)), await rows(desk)) == (1, 1, (1, 1))


async def test_one_filing_that_fails_takes_no_other_of_its_batch_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = taking._add

    async def fail_for_one(connection: AsyncConnection, batch: Any, office: Any, *, now: Any) -> Any:
        if any(one.filing.text == "bad" for one in batch):
            raise DBAPIError("", {}, TooLongError())
        return await add(connection, batch, office, now=now)

    monkeypatch.setattr(taking, "_add", fail_for_one)
    answers = await asyncio.gather(*(send(desk, PDF, text="bad" if number == 3 else "good") for number in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 7 + [503]
    assert (len(on_disk(desk)), await rows(desk)) == (7, (7, 7))


async def test_a_batch_that_may_be_stored_after_all_is_not_tried_again_and_keeps_its_files(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = desk.running.commit

    async def lose_the_answer(*given: Any, **more: Any) -> None:
        await commit(*given, **more)
        raise ConnectionResetError

    monkeypatch.setattr(desk.running, "commit", lose_the_answer)
    answers = await asyncio.gather(*(send(desk, PDF) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {503}
    assert (len(on_disk(desk)), await rows(desk)) == (5, (5, 5))


async def test_what_is_asked_for_comes_with_files_and_only_from_who_is_asked(desk: Desk) -> None:
    filed = (await send(desk, PDF)).json()
    code, secret = filed["code"], filed["secret"]

    async def supplement(*given: Any, secret: str = secret) -> int:
        path = f"{PATH}/{code}/supplement"
        answer = await send(desk, *given, path=path, field="supplement", secret=secret, text="Thửa 5")
        return answer.status_code

    await desk.done(code, "decision", kind="reflection", unit=COMMUNE)
    assert await supplement(PNG) == 409
    await desk.done(code, "request", text="Xin cho biết số thửa đất.")
    assert await supplement(PNG, secret="2222-2222-2222") == 404
    assert await supplement(PROGRAM) == 422
    assert await supplement(PNG, PNG) == 422, "with the one it has they are too many"
    assert (len(on_disk(desk)), await rows(desk)) == (1, (1, 1))
    assert (await desk.done(code, "follow", {}, secret=secret))["asked"]
    assert await supplement(PNG) == 200
    assert (len(on_disk(desk)), await rows(desk)) == (2, (1, 2))


async def test_openapi_tells_both_forms(desk: Desk) -> None:
    told = (await desk.client.get("/openapi.json")).json()
    for path, field in ((PATH, "filing"), (f"{PATH}/{{code}}/supplement", "supplement")):
        content = told["paths"][path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/json", "multipart/form-data"}
        form = content["multipart/form-data"]["schema"]
        assert (form["required"], set(form["properties"])) == ([field], {field, "files"})
