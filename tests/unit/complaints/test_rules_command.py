"""`dondoc complaints rules`: what is checked and shown, and how matters are tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.complaints.cli import complaints
from services.complaints.rules.policy import CARRIED as POLICY
from services.complaints.rules.routes import CARRIED as ROUTES

HERE = Path(__file__).parent
POSTS = str(HERE / "posts.csv")


def ran(*words: object) -> Result:
    return CliRunner().invoke(complaints, ["rules", *map(str, words)])


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_the_carried_rules_are_good_and_nothing_in_them_is_odd() -> None:
    done = ran("check", "--on", "2026-11-26")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "policy version 2: good, in force from 2026-07-01; sorted by TH-TTPVHCC" in done.stdout
    assert "denunciation: acceptance 7 working days, complex 10 (high: Luật Tố cáo 2018 Đ.24)" in done.stdout
    assert "second instance 45 days, remote 60, complex 60, complex and remote 70" in done.stdout
    assert "Đ.30 (sửa đổi bởi Luật 136/2025/QH15); a setting: confirm it)" in done.stdout
    assert "1. denunciation: kind denunciation → superior_of_accused" in done.stdout
    assert "all that is left → centre" in done.stdout


def test_what_is_a_setting_is_told_as_a_document() -> None:
    told = json.loads(ran("check", "--json").stdout)
    assert told["usable"]
    settings = {(one["version"], one["kind"], one["about"].split()[0]) for one in told["settings"]}
    assert ("2", "complaint", "settlement") in settings
    assert ("1", "complaint", "settlement") not in settings
    assert told["routes"]["routes"][0]["id"] == "denunciation"


def test_each_fault_has_its_file_line_and_reason(tmp_path: Path) -> None:
    policy = written(tmp_path / "p.yaml", POLICY.read_text("utf-8").replace("moves: 2", "moves: two", 1))
    routes = written(tmp_path / "r.yaml", 'version: "1"\nroutes:\n- id: a\n  to: named_units\n- id: a\n  to: centre\n')
    done = ran("check", policy, routes)
    assert done.exit_code == 1
    line = 1 + next(n for n, one in enumerate(policy.read_text("utf-8").splitlines()) if "moves: two" in one)
    assert f"{policy}: line {line}: moves:" in done.stderr
    assert f"{routes}: line 4: routes.0.to: there is no such target; give the code of a unit, or one of" in done.stderr
    told = json.loads(ran("check", policy, routes, "--json").stdout)
    assert (told["usable"], {fault["file"] for fault in told["faults"]}) == (False, {str(policy), str(routes)})


ODD = """\
version: "1"
departments: {land: TH-NONE, magic: TH-STC}
routes:
- {id: all-denunciations, when: {kind: denunciation}, to: named_unit}
- {id: named, when: {kind: [reflection, complaint]}, to: named_unit}
- {id: named-again, when: {kind: reflection, field: land}, to: named_unit}
- {id: gone, when: {named_unit: D380}, to: TH-SNgV}
- {id: somewhere, when: {place: Xã Không Có, category: unheard}, to: centre}
- {id: past, valid_until: 2025-12-31, to: TH-PAST}
- {id: rest, to: centre}
- {id: late, when: {category: late}, to: TH-SNV}
- {id: by-place, when: {kind: reflection}, to: commune_of_place}
"""


def test_what_is_odd_in_routes_is_told_and_no_reason_to_refuse_them(tmp_path: Path) -> None:
    routes = written(tmp_path / "routes.yaml", ODD)
    done = ran("check", routes, "--on", "2026-11-26")
    assert done.exit_code == 0
    for said in (
        "line 2: departments.land: the directory has no unit TH-NONE",
        "line 2: departments.magic: the policy has no such field",
        "line 2: departments: no unit is named for civil_status",
        "line 4: routes.0.to: a denunciation goes above the accused all the same",
        "line 6: routes.2: route named-again is never used: route named takes all of it to the same unit",
        "line 7: routes.3.when.named_unit: the unit D380 is not in force on 2026-11-26; 7 units follow it",
        "line 7: routes.3.to: the directory has no unit TH-SNgV",
        "line 8: routes.4.when.place: the directory has no single unit for Xã Không Có",
        "line 8: routes.4.when.category: the policy has no category unheard",
        'line 11: routes.7: route late is never reached but after a "not ours": route rest takes all of it',
        "line 12: routes.8: route by-place is never reached",
    ):
        assert said in done.stderr
    assert "TH-PAST" not in done.stderr
    assert "routes.1:" not in done.stderr


def test_the_units_of_another_directory_are_looked_for_there(tmp_path: Path) -> None:
    units = written(tmp_path / "units.csv", "code,name,kind,parent_code\nA,Sở A,so,\n")
    done = ran("check", "--units", units)
    assert done.exit_code == 0
    assert "the directory has no unit TH-TTPVHCC" in done.stderr


def test_a_table_says_what_was_expected_and_what_came(tmp_path: Path) -> None:
    good = ran("test", HERE / "routes.csv", "--posts", POSTS, "--on", "2026-11-26")
    assert (good.exit_code, good.stdout.splitlines()[-1]) == (0, "31 matters, 0 go elsewhere than expected")
    table = written(tmp_path / "t.csv", "kind,unit,expected\ndenunciation,Phường Hạc Thành,14797\nreflection,H56,H56\n")
    bad = ran("test", table)
    assert bad.exit_code == 1
    assert "line 2: H56 (Ủy ban nhân dân tỉnh Thanh Hóa), by route denunciation." in bad.stdout
    assert "expected 14797" in bad.stdout
    assert "2 matters, 1 go elsewhere than expected" in bad.stdout
    told = json.loads(ran("test", table, "--json").stdout)["matters"]
    assert [(one["unit"], one["expected"]) for one in told] == [("H56", "14797"), ("H56", "H56")]
    assert [one["right"] for one in told] == [False, True]


def test_one_matter_is_tried_by_its_columns() -> None:
    done = ran("test", "kind=denunciation", "accused_persons=p-snv", "--posts", POSTS, "--on", "2026-11-26")
    assert done.exit_code == 0
    assert "H56 (Ủy ban nhân dân tỉnh Thanh Hóa), by route denunciation" in done.stdout
    assert "bypassed: TH-SNV, p-snv; not to be told: p-snv" in done.stdout
    assert ran("test", "kind=reflection", "unit=14797", "expected=14845").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kind=x"], "kind: 'x' is not one of reflection"),
        (["kind=reflection", "unti=14797"], "unti=14797: write column=value, a column being one of"),
        (["none.csv"], "none.csv"),
        (["kind=complaint", "instance=3"], "instance: must be 1 or 2"),
        (["kind=complaint", "on=soon"], "Invalid isoformat"),
    ],
)
def test_a_wrong_matter_is_a_wrong_call(words: list[str], said: str) -> None:
    done = ran("test", *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_wrong_table_is_named_with_its_line(tmp_path: Path) -> None:
    posts = written(tmp_path / "posts.csv", "unit,post,role,holder\n14797,a,boss,p\n")
    done = ran("test", "kind=reflection", "--posts", posts)
    assert f"{posts}: line 2: role:" in done.stderr
    table = written(tmp_path / "t.csv", "kind,expectd\nreflection,x\n")
    assert "line 2: no such column: expectd" in ran("test", table).stderr


def test_two_files_of_one_sort_are_not_checked_at_once(tmp_path: Path) -> None:
    other = written(tmp_path / "routes.yaml", ROUTES.read_text("utf-8"))
    assert "two files of routes" in ran("check", ROUTES, other).stderr


@pytest.mark.parametrize("command", ["check", "test"])
def test_help_shows_an_example(command: str) -> None:
    assert f"dondoc complaints rules {command}" in " ".join(ran(command, "--help").stdout.split())
