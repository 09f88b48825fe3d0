"""NATS with TLS as deploy/make-secrets.sh --tls sets it up: clients verify it, and go on in clear to nobody."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dondoc.stack import nats as nats_stack
from dondoc.stack import status
from dondoc.stack.errors import StackError
from dondoc.stack.layout import OPERATOR
from dondoc.stack.processes import end, spawn
from dondoc.stack.running import Running
from shared import bus
from shared.cloudevents import Outgoing
from shared.login import NotEncryptedError, inbox
from shared.streams import STREAMS
from tests import servers as real
from tests.component.certificates import authority


@dataclass(frozen=True)
class Server:
    """A NATS server on the files of the containers, laid out as in its container."""

    secrets: Path
    port: int

    @property
    def ca(self) -> Path:
        return self.secrets / "nats_ca.pem"

    def url(self, user: str) -> str:
        """Return the address that a container gets, at this machine."""
        return (self.secrets / f"{user}_nats_url").read_text().replace("@nats:4222", f"@127.0.0.1:{self.port}")


@contextmanager
def server(folder: Path, *options: str) -> Iterator[Server]:
    secrets, etc = folder / "run" / "secrets", folder / "etc" / "dondoc"
    subprocess.run([real.ROOT / "deploy" / "make-secrets.sh", *options, secrets], check=True)
    port, monitoring = real.free_port(), real.free_port()
    etc.mkdir(parents=True)
    (etc / "permissions.conf").write_text(nats_stack.PERMISSIONS.read_text())
    config = (real.ROOT / "deploy" / "nats" / "nats.conf").read_text()
    config = config.replace("0.0.0.0:4222", f"127.0.0.1:{port}").replace("0.0.0.0:8222", f"127.0.0.1:{monitoring}")
    (etc / "nats.conf").write_text(config.replace("store_dir: /data", f'store_dir: "{folder / "data"}"'))
    login = secrets / "nats_login.conf"
    login.write_text(login.read_text().replace('"/run/secrets/', f'"{secrets}/'))
    log = folder / "nats.log"
    process = spawn([str(nats_stack.binary()), "--config", str(etc / "nats.conf")], log=log)
    try:
        nats_stack.wait_ready(process, monitoring_port=monitoring, log=log)
        yield Server(secrets, port)
    finally:
        end(process)


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("tls"), "--tls") as running:
        yield running


async def writes(url: str, ca: Path | None) -> None:
    """Connect as intake does, make its stream and write into it."""
    broker = bus.broker(url, name="intake", ca=ca)
    try:
        client = await bus.connect(broker)
        await bus.provision_stream(client, STREAMS["INTAKE"], max_bytes=64 << 20)
        await bus.publish(client, [Outgoing("1", "intake.test.v1", b"{}"), Outgoing("2", "intake.test.v1", b"{}")])
    finally:
        await broker.stop()


async def test_without_the_switch_nothing_is_encrypted(tmp_path: Path) -> None:
    with server(tmp_path) as plain:
        assert plain.url("intake").startswith("nats://intake:")
        await writes(plain.url("intake"), plain.ca)  # empty, and named by docker-compose.yml always
        with pytest.raises(NotEncryptedError):
            await writes(plain.url("intake").replace("nats://", "tls://"), None)


async def test_a_service_and_the_operator_verify_the_server(encrypted: Server) -> None:
    assert encrypted.url("intake").startswith("tls://intake:")
    await writes(encrypted.url("intake"), encrypted.ca)
    stack = Running(encrypted.url(OPERATOR), {}, {}, api_key="", nats_ca=str(encrypted.ca))
    assert set((await status.ask_all(stack)).values()) == {None}  # it answers, and no service runs


async def test_an_authority_of_the_system_is_trusted_without_a_setting(
    encrypted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted.ca))
    await writes(encrypted.url("intake"), None)


async def test_a_server_that_nobody_vouches_for_is_refused(
    encrypted: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bus, "CONNECT_TIMEOUT_S", 1)  # a service tries on: the server may be given its certificate yet
    for ca in (None, authority(tmp_path / "another").file):
        with pytest.raises(TimeoutError):
            await writes(encrypted.url("intake"), ca)
        assert "certificate verify failed" in capsys.readouterr().out
        stack = Running(encrypted.url(OPERATOR), {}, {}, api_key="", nats_ca=str(ca or ""))
        with pytest.raises(StackError, match=r"cannot be trusted: .*; see DONDOC_NATS_CA"):
            await status.ask_all(stack)


async def test_a_server_of_another_name_is_refused(
    encrypted: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bus, "CONNECT_TIMEOUT_S", 1)
    stranger = encrypted.url("intake").replace("127.0.0.1", "127.1")
    with pytest.raises(TimeoutError):
        await writes(stranger, encrypted.ca)
    assert "mismatch" in capsys.readouterr().out


async def test_nobody_is_let_in_in_clear(encrypted: Server) -> None:
    import nats

    plain = encrypted.url("intake").replace("tls://", "nats://")
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(
            plain, inbox_prefix=inbox("intake"), tls=None, allow_reconnect=False, max_reconnect_attempts=1
        )


async def test_an_authority_that_cannot_be_read_is_named(encrypted: Server, tmp_path: Path) -> None:
    for wrong, why in ((tmp_path / "none.pem", "No such file"), (Path(__file__), "certificate")):
        stack = Running(encrypted.url(OPERATOR), {}, {}, api_key="", nats_ca=str(wrong))
        with pytest.raises(StackError, match=f"DONDOC_NATS_CA={wrong} cannot be used: .*{why}"):
            await status.ask_all(stack)
