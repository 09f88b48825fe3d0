"""`dondoc status` believes what the services say, and a silent service is down."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from typing import Any

import nats
import pytest
import pytest_asyncio
from nats.aio.client import Client
from nats.aio.msg import Msg

from dondoc.stack import status
from dondoc.stack.errors import StackError
from dondoc.stack.layout import OPERATOR
from dondoc.stack.running import Running
from tests import warm
from tests.servers import clean_environment, free_port, logged_in

IDLE: dict[str, Any] = {
    "ready": True,
    "consumers": {"INTAKE/some": {"pending": 0, "unacked": 0}},
    "outbox": 0,
    "quarantine": 3,
    "counts": {"obligations": {"open": 5}},
    "idle": True,
}


@pytest_asyncio.fixture
async def said(nats_url: str) -> AsyncIterator[dict[str, dict[str, Any]]]:
    """What each service answers; a test changes or removes it. Each value is heard at the next question."""
    answers = {service: copy.deepcopy(IDLE) for service in status.ASKING_ORDER}
    client: Client = await nats.connect(nats_url)

    async def answer(question: Msg) -> None:
        service = question.subject.rsplit(".", 1)[1]
        if service in answers:
            await question.respond(json.dumps(answers[service]).encode())

    await client.subscribe("dondoc.status.*", cb=answer)
    await client.flush()
    yield answers
    await client.close()


@pytest.fixture
def stack(nats_url: str) -> Running:
    return Running(nats_url=logged_in(nats_url, OPERATOR), database_urls={}, http_urls={}, api_key="")


async def test_a_filled_quarantine_alone_is_no_reason_to_wait(said: dict[str, Any], stack: Running) -> None:
    idle, answers = await status.wait_idle(stack, 5)
    assert idle
    assert status.well(answers)


async def test_it_waits_until_nothing_is_in_flight(said: dict[str, Any], stack: Running) -> None:
    said["deadline"] |= {"consumers": {"INTAKE/deadline": {"pending": 7, "unacked": 2}}, "idle": False}
    waiting = asyncio.create_task(status.wait_idle(stack, 10))
    await asyncio.sleep(0.8)
    assert not waiting.done()
    said["deadline"] = IDLE
    idle, _ = await waiting
    assert idle


async def test_counts_that_still_move_are_not_idle(said: dict[str, Any], stack: Running) -> None:
    async def count_up() -> None:
        while True:
            said["notify"]["counts"]["obligations"]["open"] += 1
            await asyncio.sleep(0.05)

    counting = asyncio.create_task(count_up())
    idle, answers = await status.wait_idle(stack, 1)
    counting.cancel()
    assert not idle
    assert status.busy(answers) == []


async def test_it_says_what_is_still_busy(said: dict[str, Any], stack: Running) -> None:
    said["intake"]["outbox"] = 4
    said["deadline"]["consumers"]["INTAKE/some"]["unacked"] = 9
    idle, answers = await status.wait_idle(stack, 0.5)
    assert not idle
    assert status.busy(answers) == ["intake (outbox 4)", "deadline (INTAKE/some 0+9)"]


async def command(*arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run `dondoc` and return its exit code, what it printed, and its complaint."""
    done = await asyncio.to_thread(warm.run, *arguments, env={**clean_environment(), **settings})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_the_command_prints_json_and_ends_well(said: dict[str, Any], stack: Running, tmp_path: Any) -> None:
    code, out, _ = await command("status", "--json", DONDOC_NATS_URL=stack.nats_url, DONDOC_DATA=str(tmp_path))
    assert code == 0
    assert json.loads(out)["services"]["notify"] == IDLE


async def test_a_silent_service_is_down(said: dict[str, Any], stack: Running, tmp_path: Any) -> None:
    del said["console"]
    code, out, _ = await command("status", DONDOC_NATS_URL=stack.nats_url, DONDOC_DATA=str(tmp_path))
    assert code == 1
    assert "down" in next(line for line in out.splitlines() if line.startswith("console"))


async def test_without_a_stack_it_says_what_to_do(tmp_path: Any) -> None:
    code, _, complaint = await command("status", "--data", str(tmp_path))
    assert code == 1
    assert complaint == (
        f"dondoc: no stack is running on {tmp_path}: start one with `dondoc up`, or name another with --data\n"
    )


async def test_a_wrong_call_is_one_line_and_code_2() -> None:
    code, _, complaint = await command("up", "--port-base", "many")
    assert code == 2
    assert len(complaint.splitlines()) == 1
    assert "dondoc up --help" in complaint


async def test_a_server_that_does_not_answer_is_named() -> None:
    port = free_port()
    stack = Running(nats_url=f"nats://x:y@127.0.0.1:{port}", database_urls={}, http_urls={}, api_key="")
    with pytest.raises(StackError, match=f"NATS does not answer at 127.0.0.1:{port}"):
        await status.ask_all(stack)
