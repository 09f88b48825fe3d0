"""The commands that feed intake, as processes of their own against a real intake: import, directory, quarantine."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from dondoc.stack import layout
from services.intake import importing
from tests import servers as real
from tests import warm
from tests.component.harness import API_KEY
from tests.waiting import wait_until

HEADER = "code,name,kind,parent_code,email\n"


class Office:
    """Services that answer over HTTP, and the command line that knows them by the environment alone."""

    def __init__(self, empty: Path, **urls: str) -> None:
        self.empty, self.urls = empty, {f"DONDOC_{service.upper()}_URL": url for service, url in urls.items()}

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        env = real.clean_environment() | self.urls | {"DONDOC_API_KEY": API_KEY}
        return warm.run(*arguments, env=env, cwd=self.empty, stdin=stdin)

    def told(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> Any:
        """Return the JSON that a command prints; it must end with `code`."""
        done = self.run(*arguments, "--json", stdin=stdin)
        assert done.returncode == code, done.stderr.decode()
        return json.loads(done.stdout)

    def counts(self, *arguments: str, code: int = 0, stdin: bytes = b"") -> tuple[int, int, int, int]:
        told = self.told("import", "--source", "motcua-1", *arguments, code=code, stdin=stdin)
        return told["lines"], told["accepted"], told["repeated"], told["refused"]


@pytest_asyncio.fixture
async def office(nats_url: str, postgres_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    database = await real.fresh_database(postgres_url, migrated=["intake"])
    with answering("intake", nats_url=nats_url, database=database, folder=tmp_path) as url:
        yield Office(tmp_path, intake=url)
    await real.drop_database(postgres_url, database)


@contextlib.contextmanager
def answering(
    service: str,
    *,
    nats_url: str,
    database: real.Database,
    folder: Path,
    killed: bool = False,
    more: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a service in a process of its own; gives its address. killed: it ends by SIGKILL. more: variables."""
    port = real.free_port()
    env = {
        "DONDOC_NATS_URL": real.logged_in(nats_url, service),
        "DONDOC_DATABASE_URL": database.url(service),
        "DONDOC_HTTP_PORT": str(port),
        "DONDOC_API_KEY": API_KEY,
        "DONDOC_STREAM_MAX_BYTES": str(256 << 20),
        **(more or {}),
    }
    program = f"from services.{service}.main import main; main()"
    process = warm.serve(program, log=folder / f"{service}.log", env=real.clean_environment() | env)
    url = f"http://{layout.HOST}:{port}"
    try:
        wait_until(lambda: is_ready(url, process), what="intake is ready")
        yield url
    finally:
        warm.end(process, by=signal.SIGKILL if killed else signal.SIGTERM)


def is_ready(url: str, process: warm.Forked) -> bool:
    assert process.poll() is None, "intake has ended"
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/ready").is_success
    return False


def line(*codes: str) -> bytes:
    objects = [{"MaHoSo": code, "NgayTiepNhan": "20261102091000", "TrangThaiHoSo": "2"} for code in codes]
    return orjson.dumps({"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "data": objects})


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(one + b"\n" for one in lines))
    return str(path)


def test_an_import_says_what_became_of_every_object_and_refusals_end_with_3(office: Office, tmp_path: Path) -> None:
    lines = (line("A-1", "A-2"), b"", line("A-1"), b"{broken", line("A-3", ""), b"x" * 950_000)
    file = write(tmp_path / "feed.ndjson", *lines)
    assert office.counts(file, code=3) == (5, 3, 1, 3)
    entries = office.told("quarantine", "list")
    assert {entry["reason"] for entry in entries} == {"unreadable", "invalid_object", "line_too_long"}
    exported = office.run("export", "quarantine").stdout.splitlines()
    assert [json.loads(one)["id"] for one in exported] == [entry["id"] for entry in entries]
    listed = office.run("quarantine", "list").stdout.decode().splitlines()
    assert [one.split("\t")[0] for one in listed] == [str(entry["id"]) for entry in entries]
    [broken] = [entry["id"] for entry in entries if entry["reason"] == "unreadable"]
    assert office.run("quarantine", "show", str(broken), "--raw").stdout == b"{broken"
    assert office.counts(file, code=3) == (5, 0, 4, 3)  # the same import again
    said = office.run("import", "--source", "motcua-1", file).stdout.decode()
    assert "7 objects in 5 lines" in said
    assert said.endswith(" 0 accepted, 4 repeated, 3 refused; see `dondoc quarantine list`\n")


def test_a_dossier_sent_again_each_night_is_accepted_where_it_changed_and_else_repeated(
    office: Office, tmp_path: Path
) -> None:
    nights = []
    for night in range(1, 21):
        late = night > 5
        body = {"MaHoSo": "N-1", "NgayTiepNhan": "20261002091000", "TrangThaiHoSo": "4" if late else "2",
                "NgayHenTra": "20261123091000" if late else "20261016091000"}  # fmt: skip
        sent_at = f"2026-10-{night + 2:02d}T22:00:00+07:00"
        head = {"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "sent_at": sent_at}
        nights.append(orjson.dumps({**head, "data": [body]}))
    assert office.counts(write(tmp_path / "nights.ndjson", *nights)) == (20, 2, 18, 0)


def test_an_interrupted_import_goes_on_where_it_stopped(office: Office, tmp_path: Path) -> None:
    lines = [line(f"B-{number}") for number in range(1200)]
    query = {"source": "motcua-1", "first": "1"}
    file = write(tmp_path / "feed.ndjson", *lines)
    with importing.opened([file], source="motcua-1", import_id="mine") as [one]:
        begun = f"{office.urls['DONDOC_INTAKE_URL']}/v1/imports/{one.id}/lines"
    httpx.post(begun, params=query, content=b"\n".join(lines[:700]), headers={"X-API-Key": API_KEY}).raise_for_status()
    assert office.counts("--import-id", "mine", file) == (1200, 1200, 0, 0)


def test_a_name_given_again_for_another_file_skips_none_of_its_lines(office: Office, tmp_path: Path) -> None:
    first, other = write(tmp_path / "a.ndjson", line("A-1"), line("A-2")), write(tmp_path / "b.ndjson", line("B-1"))
    assert office.counts("--import-id", "quarter", first) == (2, 2, 0, 0)
    assert office.counts("--import-id", "quarter", other) == (1, 1, 0, 0)
    assert office.counts("--import-id", "quarter", first) == (2, 0, 2, 0)  # done under that name already


def test_archives_and_the_standard_input_are_read_and_the_same_content_is_the_same_import(
    office: Office, tmp_path: Path
) -> None:
    content = line("C-1") + b"\n" + line("C-2") + b"\n"
    (tmp_path / "feed.ndjson.gz").write_bytes(gzip.compress(content))
    assert office.counts("-", stdin=content) == (2, 2, 0, 0)
    assert office.counts(str(tmp_path / "feed.ndjson.gz")) == (2, 0, 2, 0)
    assert office.counts("--import-id", "another", "-", stdin=content) == (2, 0, 2, 0)


def test_lines_of_our_own_format_are_imported_and_one_given_in_the_wrong_format_may_be_given_again(
    office: Office, tmp_path: Path
) -> None:
    duty = {"kind": "report", "due_on": "2026-12-15"}
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "dondoc.duty.v1", "subject": "Q4", "data": duty}
    lines = (orjson.dumps(event), orjson.dumps([event, {**event, "subject": ""}]))
    file = write(tmp_path / "duties.ndjson", *lines)
    assert office.counts(file, code=3) == (2, 0, 0, 2)
    assert office.counts("--format", "facts", file, code=3) == (2, 1, 1, 1)
    assert office.counts("--format", "facts", file, code=3) == (2, 0, 2, 1)


def test_a_directory_is_tried_before_it_is_loaded(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text(HEADER + "H56.999,Đơn vị thử nghiệm,so,,lanhdao@example.vn\n", "utf-8")
    assert office.told("directory", "load", str(file), "--dry-run")["added"] == ["H56.999"]
    assert office.told("directory", "load", str(file))["added"] == ["H56.999"]
    assert office.told("directory", "load", str(file))["added"] == []
    file.write_text(HEADER + "H56.999,,so,,\n", "utf-8")
    done = office.run("directory", "load", str(file))
    assert (done.returncode, done.stderr) == (2, b"dondoc: line 2: code and name must be filled\n")


def test_a_parent_that_nobody_knows_is_a_warning(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    file.write_text(HEADER + "X1,Một,so,H56,\nX2,Hai,so,X1,\nX3,Ba,so,H56.NOBODY,\n", "utf-8")
    assert office.told("directory", "load", str(file), "--dry-run")["unknown_parents"] == ["H56.NOBODY"]
    done = office.run("directory", "load", str(file))
    assert (done.returncode, b"H56.NOBODY" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("import", "--source", "x", "nowhere.ndjson"), 2),
        (("import", "--source", "Có dấu", "-"), 2),
        (("import", "--source", "x", "--format", "csv", "-"), 2),
        (("import", "--source", "x", "--import-id", "one", "-", "-"), 2),
        (("quarantine", "list", "--data", "nowhere"), 1),
        (("export", "obligations", "--as-of", "soon"), 2),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = Office(tmp_path, intake="http://127.0.0.1:9").run(*arguments)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (code, b"", 1)


def test_an_entry_is_corrected_or_dropped_by_command(office: Office, tmp_path: Path) -> None:
    file = write(tmp_path / "feed.ndjson", line("A-1", ""), b"{broken", b"[1]")
    office.counts(file, code=3)
    by_reason = {entry["reason"]: entry for entry in office.told("quarantine", "list")}
    part, broken, odd = (str(by_reason[one]["id"]) for one in ("invalid_object", "unreadable", "not_a_message"))
    shown = office.run("quarantine", "show", broken).stdout.decode()
    assert "line 1, column 2" in shown
    assert "  {broken\n   ^" in shown
    corrected = write(tmp_path / "corrected.json", orjson.dumps({"MaHoSo": "A-2", "TrangThaiHoSo": "2"}))
    asked = office.told("quarantine", "retry", part, "--file", corrected, "--dry-run")
    assert (asked["dry_run"], asked["outcome"]["said"]) == (True, 1)
    assert office.told("quarantine", "retry", part, "--file", corrected, "--by", "lan")["repeat"] is False
    assert office.told("quarantine", "retry", part, "--file", corrected)["repeat"] is True
    again = office.run("quarantine", "retry", "--all", "--source", "motcua-1")
    assert (again.returncode, b"2 entries, of which 2 were not taken" in again.stdout) == (3, True)
    assert office.run("quarantine", "drop", f"intake/{odd}", "--reason", "rác").returncode == 0
    assert [entry["reason"] for entry in office.told("quarantine", "list")] == ["unreadable"]
    assert [entry["id"] for entry in office.told("quarantine", "list", "--state", "dropped")] == [int(odd)]
    assert len(office.run("export", "quarantine").stdout.splitlines()) == 1
    assert len(office.run("export", "quarantine", "--all").stdout.splitlines()) == 3
    assert office.run("quarantine", "show", "999").returncode == 1
    assert office.run("quarantine", "retry", "x/1").returncode == 2


def test_what_of_the_reception_is_incomplete_is_told_by_command(office: Office, tmp_path: Path) -> None:
    objects = [{"MaHoSo": f"000.00.12.H56-260302-{n:04d}", "NgayTiepNhan": "20260302091000"} for n in (1, 3)]
    body = orjson.dumps({"madonvi": "000.00.12.H56", "service": "DongBoHoSoMC", "sent_at": "", "data": objects})
    office.counts(write(tmp_path / "feed.ndjson", body))
    told = office.told("quality", "check", "--from", "2026-03-01", "--to", "2026-03-31")
    assert (told["seen"], bool(told["finished_at"])) == (2, True)
    [gap] = office.told("quality", "list", "--flag", "numbers_missing")
    assert (gap["unit"], gap["evidence"]["missing"]) == ("H56.12", ["2"])
    assert office.told("quality", "counts", "--unit", "H56.12") == [
        {"unit": "H56.12", "flag": "numbers_missing", "count": 1}
    ]
    table = office.run("quality", "list", "--format", "csv").stdout
    assert table.startswith(b"\xef\xbb\xbfunit,flag,day,")
    assert len(table.splitlines()) == 2
    assert office.run("quality", "list", "--from", "yesterday").returncode == 2
