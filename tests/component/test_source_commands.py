"""`dondoc source` on a running stack: keys, the login on NATS that comes and goes without a restart, what waits."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import nats
import pytest
from nats.aio.client import Client

from dondoc.stack.running import Running
from shared.login import inbox
from shared.secrets import KEY_HEADER
from tests import servers as real
from tests.component.test_intake_to_deadline import message, snapshot
from tests.waiting import until

REFUSED = b"-ERR 'Authorization Violation'"


class Commands:
    """The `dondoc` command on one stack."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def run(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "dondoc.cli", *words, "--data", str(self.data)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=real.clean_environment(), cwd=real.ROOT
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout or done.stderr

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json"))


async def connect(url: str, source: str) -> Client:
    async def ignore(_: Exception) -> None:
        """Its connection is ended by the server in the course of the test."""

    return await nats.connect(url, inbox_prefix=inbox(source), allow_reconnect=False, error_cb=ignore)


async def answer_to(url: str) -> bytes:
    """Return what the server answers to a login, in its own words: the client leaves a socket behind when refused."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    await reader.readline()
    login = {"user": at.username, "pass": at.password, "verbose": False, "pedantic": False}
    writer.write(b"CONNECT %b\r\nPING\r\n" % json.dumps(login).encode())
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer.strip()


async def feed(stack: Running, key: str) -> int:
    async with httpx.AsyncClient(base_url=stack.http_urls["intake"]) as client:
        path = "/v1/feeds/motcua-7/national"
        answer = await client.post(path, content=message(snapshot()), headers={KEY_HEADER: key})
        return answer.status_code


@pytest.mark.long  # a whole stack
async def test_a_source_comes_and_goes_on_a_running_stack(tmp_path: Path) -> None:
    with real.running_stack(tmp_path) as stack:
        dondoc = Commands(tmp_path)
        broker = stack.programs["nats"].pid
        made = dondoc.json("source", "add", "motcua-7", "--title", "Một cửa số 7", "--signed")
        assert made["key"]["signing_secret"]  # the stack made a signing key of its own
        assert await feed(stack, made["key"]["key"]) == 401
        dondoc.run("source", "set", "motcua-7", "--unsigned")
        await until(lambda: feed(stack, made["key"]["key"]), lambda status: status == 202)
        assert await answer_to(made["nats_url"]) == b"PONG"
        assert await answer_to(made["nats_url"].replace("motcua-7", "motcua-8")) == REFUSED  # nobody registered it

        source = await connect(made["nats_url"], "motcua-7")
        await source.request("feed.motcua-7.national", message(snapshot()), timeout=30)
        assert "NATS refuses" in dondoc.run("source", "disable", "motcua-7")
        await until(lambda: source.is_closed)
        assert await answer_to(made["nats_url"]) == REFUSED
        await until(lambda: feed(stack, made["key"]["key"]), lambda status: status == 401)
        assert dondoc.json("source", "audit")[0]["why"] == "source_disabled"

        told = dondoc.json("source", "enable", "motcua-7")
        assert (told["enabled"], told["waiting"]) == (True, 0)
        source = await connect(made["nats_url"], "motcua-7")
        await source.request("feed.motcua-7.national", message(snapshot()), timeout=30)
        await source.close()
        dondoc.run("status", "--wait-idle", "30")
        assert json.loads((tmp_path / "stack.json").read_text())["programs"]["nats"]["pid"] == broker
        key = dondoc.json("source", "key", "motcua-7", "--others-end-in", "0")
        assert key["others_until"]
        assert [one["id"] for one in dondoc.json("source", "show", "motcua-7")["keys"]][-1] == key["id"]
        dondoc.run("source", "revoke", "motcua-7", key["id"])
        assert "motcua-7\tprimary\tyes\t1\t" in dondoc.run("source", "list")
        assert "motcua-7 already" in dondoc.run("source", "add", "motcua-7", code=1)
        dondoc.run("source", "add", "Motcua.7", code=2)
