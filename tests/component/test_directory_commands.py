"""The commands of the directory, as processes of their own: tried, asked about, loaded, shown, exported."""

from __future__ import annotations

import contextlib
import os
import pty
from pathlib import Path

from tests import servers as real
from tests import warm
from tests.component.harness import API_KEY
from tests.component.test_import import Office, office

__all__ = ["office"]  # a fixture
UNITS = "code,name,kind,parent_code,email\nX,Xã Thử,xa,H56,x@example.vn\n"
POSTS = "unit,post,role,title,name,email\nX,ct,head,Chủ tịch UBND xã,Nguyễn Văn A,a@example.vn\n"


def files(folder: Path, **contents: str) -> list[str]:
    paths = []
    for name, content in contents.items():
        path = folder / f"{name}.csv"
        path.write_text(content, "utf-8")
        paths.append(str(path))
    return paths


def on_terminal(office: Office, *arguments: str, answer: str) -> str:
    """Run a command on a terminal, answer its question, and return what the terminal showed."""
    ours, its = pty.openpty()
    env = real.clean_environment() | office.urls | {"DONDOC_API_KEY": API_KEY}
    process = warm.start(warm.COMMAND, *arguments, env=env, streams=(its, its, its), cwd=office.empty)
    os.close(its)
    os.write(ours, f"{answer}\n".encode())
    shown = b""
    with contextlib.suppress(OSError):  # Linux says so that the other side is gone
        while part := os.read(ours, 4096):
            shown += part
    process.wait(60)
    os.close(ours)
    return shown.decode()


def test_several_tables_are_loaded_together_and_what_changes_is_told_before(office: Office, tmp_path: Path) -> None:
    both = files(tmp_path, posts=POSTS, units=UNITS)  # the posts of a unit that a later file gives
    would = office.run("directory", "load", *both, "--dry-run")
    assert would.returncode == 0, would.stderr
    lines = would.stdout.decode().splitlines()
    assert "X Xã Thử: email: – → x@example.vn" in lines
    assert any(line.startswith("X Xã Thử: posts: + post=ct role=head title=Chủ tịch UBND xã") for line in lines)
    assert lines[-1] == f"1 units in {', '.join(both)}: 1 would be added, 0 would be changed"
    assert office.told("directory", "load", *both)["added"] == ["X"]
    shown = office.told("directory", "show", "UBND xã Thử")
    assert (shown["code"], shown["in_charge"]["name"], shown["in_charge"]["why"]) == ("X", "Nguyễn Văn A", "head")
    said = office.run("directory", "show", "X").stdout.decode()
    assert "in_charge: title=Chủ tịch UBND xã name=Nguyễn Văn A email=a@example.vn why=head" in said


def test_on_a_terminal_it_is_asked_first_and_a_no_changes_nothing(office: Office, tmp_path: Path) -> None:
    [file] = files(tmp_path, units=UNITS)
    shown = on_terminal(office, "directory", "load", file, answer="n")
    assert "X Xã Thử: email: – → x@example.vn" in shown
    assert "Apply this?" in shown
    assert office.run("directory", "show", "X").returncode == 1
    assert "1 added" in on_terminal(office, "directory", "load", file, answer="y")
    assert office.told("directory", "show", "X")["email"] == "x@example.vn"
    assert "Apply" not in on_terminal(office, "directory", "load", file, "--yes", answer="")


def test_an_export_in_either_format_loads_again_without_a_change(office: Office, tmp_path: Path) -> None:
    office.told("directory", "load", *files(tmp_path, units=UNITS, posts=POSTS))
    book, tables = tmp_path / "danh-ba.xlsx", []
    assert office.run("directory", "export", "--format", "xlsx", "--output", str(book)).returncode == 0
    for table in ("units", "posts", "aliases"):
        tables.append(str(tmp_path / f"all-{table}.csv"))
        assert office.run("directory", "export", "--table", table, "--output", tables[-1]).returncode == 0
    for given in ([str(book)], tables):
        told = office.told("directory", "load", *given)
        assert (told["units"], told["added"], told["changed"], told["diff"]) == (379, [], [], [])
        checked = office.told("directory", "check", *given)
        assert checked == {"rows": {"units": 379, "posts": 1, "aliases": 558}, "mistakes": []}


def test_mistakes_of_several_files_are_told_with_file_and_line(office: Office, tmp_path: Path) -> None:
    wrong = files(tmp_path, units=UNITS + "Y,,,,\n", posts=POSTS.replace("head", "boss"))
    checked = office.run("directory", "check", *wrong)
    assert (checked.returncode, checked.stderr.decode().splitlines()) == (
        1,
        [
            f"{wrong[0]} line 3: code and name must be filled",
            f"{wrong[1]} line 2: role must be one of head, deputy, one_stop_head, officer",
            "dondoc: mistakes to put right: 2",
        ],
    )
    loaded = office.run("directory", "load", *wrong)
    assert loaded.returncode == 2
    assert "units.csv line 3: code and name must be filled; posts.csv line 2: role" in loaded.stderr.decode()


def test_a_name_that_may_be_several_units_is_answered_by_naming_them(office: Office) -> None:
    done = office.run("directory", "show", "Huyện Hà Trung")
    assert (done.returncode, done.stderr) == (1, "dondoc: Huyện Hà Trung: it may be any of 6 units\n".encode())
    assert "15274\tXã Hà Long" in done.stdout.decode().splitlines()
    assert office.told("directory", "show", "Huyện Hà Trung", "--on", "2025-06-30")["code"] == "D392"
    done = office.run("directory", "show", "Phòng A/B")
    assert (done.returncode, done.stderr) == (1, "dondoc: Phòng A/B: no unit is called so\n".encode())


def test_directory_procedures_and_calendars_are_said_again_on_request(office: Office) -> None:
    assert office.told("republish", "intake") == {"done": 378}
    assert office.run("republish", "intake").stdout == b"378 states said again\n"
    assert office.run("republish", "notify").returncode == 2
