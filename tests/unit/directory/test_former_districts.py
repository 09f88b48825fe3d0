"""26 former districts, 166 communes: dossiers are resolved where something says to which, and flagged where not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from services.deadline.dossier import fold as fold_dossier
from services.deadline.explaining import explained_unit
from services.deadline.folding import Folded, fold
from services.deadline.reference import Reference, Row, reference
from services.intake import national
from services.intake.facts import Receipt, facts_of
from tests.unit.deadline.saying import TERMS, snapshot, step
from tests.unit.directory.given import agency, districts, documents

ON = "2026-11-20T08:00:00+07:00"
DISTRICTS = sorted(districts())
COMMUNES = {code for code, one in documents().items() if one["kind"] in ("xa", "phuong")}


@pytest.fixture(scope="module")
def known() -> Reference:
    """Return what deadline knows once the carried directory and the districts' agency ids were announced."""
    rows = []
    for code, one in documents().items():
        aliases = [agency(code)] if code in districts() else []
        rows.append(Row("unit", code, "2026-01-01T00:00:00+07:00", {**one, "aliases": [*one["aliases"], *aliases]}))
    return reference(rows).on(ON)


def folded(
    known: Reference, *, code: str, unit_name: str, room: str = "", room_at: str = "2026-02-04T09:00", **more: Any
) -> Folded:
    """Return a dossier accepted in March 2025, still open, as messages of a source make it."""
    fields = {"DonViXuLy": unit_name, "NgayTiepNhan": "2025-03-03T09:00", "NgayHenTra": "2025-03-20T09:00", **more}
    messages = [snapshot("2025-03-03T09:05", TrangThaiHoSo="2", **fields)]
    if room:
        messages.append(step(room_at, 2, PhongBanXuLy=room))
    facts = []
    for message in messages:
        for one in national.read(message.body()).objects:
            said = one.model_copy(update={"code": code})
            read = national.read(message.body())
            facts += facts_of(said, message=read, source="motcua-1", mirror=False, receipt=receipt(message.at))
    return fold(f"dossier/{code}", [{"raw_code": code, "facts": facts}], known=known, terms=TERMS)[0]


def receipt(at: str) -> Receipt:
    from datetime import datetime

    return Receipt.of(datetime.fromisoformat(at))


def code_of(district: str) -> str:
    return f"{agency(district)}-250303-0001"


def test_there_are_26_districts_and_166_communes_and_each_commune_comes_after_one_of_them() -> None:
    assert (len(DISTRICTS), len(COMMUNES)) == (26, 166)
    assert {after for code in DISTRICTS for after in districts()[code]["successors"]} == COMMUNES


@pytest.mark.parametrize("district", DISTRICTS)
@pytest.mark.parametrize("written", ["{}", "UBND {}", "Ủy ban nhân dân {}", ""])
def test_a_district_alone_is_flagged_with_its_communes_and_never_guessed(
    known: Reference, district: str, written: str
) -> None:
    name = written.format(districts()[district]["name"])
    found = folded(known, code=code_of(district), unit_name=name)
    told = explained_unit(found, known.units)
    assert found.obligation["unit_code"] is None
    assert "unit_ambiguous" in found.obligation["flags"]
    assert (found.obligation["unit"], found.obligation["unit_name"]) == (agency(district), name or None)
    assert [one["code"] for one in told["candidates"]] == districts()[district]["successors"]
    assert told["sentence"].startswith("Chưa xác định được đơn vị chịu trách nhiệm: “")


@pytest.mark.parametrize("district", DISTRICTS)
def test_a_room_that_names_the_commune_resolves_the_district_for_each_of_its_communes(
    known: Reference, district: str
) -> None:
    for commune in districts()[district]["successors"]:
        room = f"Bộ phận một cửa UBND {documents()[commune]['name']}"
        found = folded(known, code=code_of(district), unit_name=districts()[district]["name"], room=room)
        assert (found.obligation["unit_code"], found.meaning.why) == (commune, "evidence"), room
        assert "unit_ambiguous" not in found.obligation["flags"]
        assert found.obligation["unit_name"] == districts()[district]["name"]


@pytest.mark.parametrize("district", DISTRICTS)
def test_a_room_of_the_district_or_of_another_district_says_nothing(known: Reference, district: str) -> None:
    elsewhere = next(
        documents()[code]["name"]
        for other in DISTRICTS
        for code in districts()[other]["successors"]
        if code not in districts()[district]["successors"]
    )
    for room in (f"Chi nhánh VPĐKĐĐ {districts()[district]['name']}", f"Phòng một cửa {elsewhere}"):
        found = folded(known, code=code_of(district), unit_name="", room=room)
        assert found.meaning.why == "ambiguous", room


def test_a_room_of_a_commune_that_was_split_says_to_which_only_once_a_new_one_is_called_so(known: Reference) -> None:
    """Xã Yên Thọ went in part to the commune of that name and in part to another of the same district."""
    room = "Bộ phận một cửa UBND xã Yên Thọ"
    for room_at, expected in (("2025-06-30T09:00", "ambiguous"), ("2025-07-01T09:00", "evidence")):
        found = folded(known, code=code_of("D403"), unit_name="Huyện Như Thanh", room=room, room_at=room_at)
        assert found.meaning.why == expected
        assert found.meaning.code in (None, "16264")


def test_a_commune_that_was_merged_is_resolved_within_its_district(known: Reference) -> None:
    """Phường Ba Đình was in the city of Thanh Hóa and in Bỉm Sơn: the agency id at the head of the code says which."""
    for district, after in (("D380", "14797"), ("D381", "14812")):
        found = folded(known, code=code_of(district), unit_name="Phường Ba Đình")
        assert (found.obligation["unit_code"], found.obligation["unit_name"]) == (after, "Phường Ba Đình")
    elsewhere = folded(known, code="H56.12-250303-0001", unit_name="Phường Ba Đình")
    assert elsewhere.meaning.candidates == ("14797", "14812")


def test_every_merged_commune_of_the_carried_directory_leads_to_the_communes_that_took_it_over(
    known: Reference,
) -> None:
    took: dict[str, set[str]] = {}
    for code, one in documents().items():
        for alias in one["limited_aliases"]:
            took.setdefault(alias["word"], set()).add(code)
    several = 0
    for word, codes in took.items():
        found = folded(known, code="H56.12-250303-0001", unit_name=f"UBND {word[0].lower()}{word[1:]}")
        assert set(found.meaning.candidates or (found.meaning.code,)) == codes, word
        several += len(codes) > 1
    assert (len(took), several) == (528, 27)


def test_what_ended_before_the_merger_stays_with_the_district(known: Reference) -> None:
    ended = {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "2025-03-18T09:00"}
    found = folded(known, code=code_of("D392"), unit_name="Huyện Hà Trung", NgayTiepNhan="2025-03-03T09:00")
    assert found.meaning.why == "ambiguous"
    messages = snapshot("2025-03-18T09:05", DonViXuLy="Huyện Hà Trung", NgayTiepNhan="2025-03-03T09:00", **ended)
    read = national.read(messages.body())
    [of] = read.objects
    facts = facts_of(of, message=read, source="motcua-1", mirror=False, receipt=receipt(messages.at))
    [done, *_] = fold("dossier/X", [{"raw_code": "X", "facts": facts}], known=known, terms=TERMS)
    assert (done.obligation["unit_code"], done.obligation["flags"]) == ("D392", [])


def test_the_rooms_that_speak_for_a_dossier_are_the_last_few() -> None:
    facts = []
    for number in range(12):
        message = step(f"2025-03-{number + 1:02}T09:00", 2, PhongBanXuLy=f"Phòng {number}")
        read = national.read(message.body())
        [of] = read.objects
        facts += facts_of(of, message=read, source="s", mirror=False, receipt=receipt(message.at))
    [course, *_] = fold_dossier("X", "X", facts, terms=TERMS)
    assert course.unit_hints == [(f"Phòng {number}", f"2025-03-{number + 1:02}") for number in range(11, 3, -1)]


def test_no_name_of_a_commune_begins_another_of_its_district() -> None:
    """Else `Xã Hà Long` would be found in the name of a commune that is none of the candidates."""
    for district in districts().values():
        names = {
            re.sub(r"\s+", " ", name.lower())
            for code in district["successors"]
            for name in (documents()[code]["name"], *(a["word"] for a in documents()[code]["limited_aliases"]))
        }
        assert not [(one, other) for one in names for other in names if other.startswith(one + " ")]
