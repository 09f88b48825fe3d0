"""Who may say what on NATS is what the services keep and hear, in the file that both ways of running read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from dondoc.stack import layout, nats, permissions
from shared.streams import STREAMS

ROOT = Path(__file__).resolve().parents[3]
OF = {service.name: permissions.of_service(service) for service in permissions.services()}
OWNERS = {
    "FEED": "intake",
    "BACKFILL": "intake",
    "INTAKE": "intake",
    "DEADLINE": "deadline",
    "COMPLAINTS": "complaints",
    "NOTIFY": "notify",
}


def test_the_file_that_servers_read_says_what_the_services_need() -> None:
    written = nats.PERMISSIONS.read_text()
    assert written == permissions.rendered(permissions.services()), (
        "uv run python -m dondoc.stack.permissions > dondoc/stack/nats_permissions.conf"
    )


def test_each_stream_is_written_and_configured_by_its_owner_alone() -> None:
    for name, stream in STREAMS.items():
        for subject in (f"{stream.prefix}.>", f"$JS.API.STREAM.CREATE.{name}", f"$JS.API.STREAM.UPDATE.{name}"):
            assert [service for service, may in OF.items() if subject in may.publish] == [OWNERS[name]]


def test_what_citizens_handed_in_is_read_by_intake_alone() -> None:
    reading = re.compile(r"\$JS\.API\.(STREAM\.MSG\.GET|DIRECT\.GET|CONSUMER\.CREATE)\.(FEED|BACKFILL)")
    of_all = OF | {layout.OPERATOR: permissions.of_operator()}
    readers = {who: [s for s in may.publish if reading.match(s)] for who, may in of_all.items()}
    assert {who: subjects for who, subjects in readers.items() if subjects and who != "intake"} == {
        "complaints": ["$JS.API.CONSUMER.CREATE.FEED.complaints.feed.tick.v1"],
        "deadline": ["$JS.API.CONSUMER.CREATE.BACKFILL.deadline.backfill.intake.>"],  # facts, not what was handed in
    }


def test_no_login_reaches_beyond_named_streams_by_a_wildcard() -> None:
    for may in OF.values():
        assert [s for s in may.publish if re.search(r"\$JS\.API\..*\*", s)] == []
        assert not {">", "$JS.>", "$JS.API.>", "$JS.ACK.>", "_INBOX.>"} & {*may.publish, *may.subscribe}


def test_the_secrets_of_the_containers_name_the_same_logins(tmp_path: Path) -> None:
    command = [str(ROOT / "deploy" / "make-secrets.sh"), "--source", "motcua-1", "--source", "cong_dvc", str(tmp_path)]
    subprocess.run(command, check=True)

    def kept(name: str) -> str:
        return (tmp_path / f"{name}_nats_password").read_text()

    users = (*layout.SERVICES, layout.OPERATOR)
    sources = ("cong_dvc", "motcua-1")
    ours = nats.logins({user: kept(user) for user in users}, {name: kept(f"source_{name}") for name in sources})
    written = re.search(r"users: \[\n(.*)\n  \]", (tmp_path / "nats_login.conf").read_text(), re.DOTALL)
    assert written
    assert without_marks(written[1]) == without_marks("\n".join(map(str, ours)))


def without_marks(text: str) -> list[str]:
    """Return the words of a configuration: brackets around one thing, quotes and spaces mean nothing."""
    return re.sub(r'[\s"\[\]{},]+', " ", text).split()


@pytest.mark.parametrize("name", ["intake", "operator", "tick", "Motcua", "-x", "a.b", "", "a" * 64, "feed>"])
def test_a_source_is_not_named_like_ours(name: str, tmp_path: Path) -> None:
    assert not layout.is_source(name)
    command = [str(ROOT / "deploy" / "make-secrets.sh"), "--source", name, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert done.stderr.startswith("make-secrets.sh: ")
