"""Calendar files: what is written is what is compiled, and each mistake is told, with its line, beside all others."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.worktime import calendar, is_working_day, vietnam
from shared.worktime.content import WEEKDAYS
from shared.worktime.loading import CalendarFilesError, Loaded, load
from shared.worktime.province import DATA
from tests.unit.worktime.test_against_reference import shifts

SOUND = """\
name: unit
source: the unit's own notice
timezone: Asia/Ho_Chi_Minh
known_from: 2026-01-01
known_until: 2026-12-31
week:
  mon: [07:30-11:30, 13:30-17:00]
  tue: [07:30-11:30, 20:00-24:00]
periods:
  - from: 2026-04-16
    until: 2026-10-15
    week:
      mon: [06:30-11:00]
  - from: 2026-10-20
    week: {}
dates:
  2026-09-02: []
  2026-08-22: mon
names:
  2026-09-02: Quốc khánh
provisional: [2026-09-02]
"""
DAYS = """\
date,kind,name,source,confidence,shifts
2026-01-01,holiday,Tết Dương lịch,Bộ luật Lao động,high,

2026-08-22,worked_swap,"Làm bù,
cho 31/08",,medium,
2026-09-02,holiday,Quốc khánh,,low,
2026-12-31,half_holiday,,,,07:30-11:30 13:30-14:00
"""
BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 8))
WITH_CSV = SOUND[: SOUND.index("dates:")] + "dates: days.csv\nmake_up: mon\n"


def told(folder: Path, *files: str, **others: str) -> list[str]:
    """Return what is wrong with files, each as `file:line: what`."""
    with pytest.raises(CalendarFilesError) as refused:
        loaded(folder, *files, **others)
    return [f"{mistake.file.name}:{mistake.line}: {mistake.says}" for mistake in refused.value.mistakes]


def loaded(folder: Path, *files: str, **others: str) -> list[Loaded]:
    for n, text in enumerate(files):
        (folder / f"{n}.yaml").write_text(text, encoding="utf-8")
    for name, text in others.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load([folder / f"{n}.yaml" for n in range(len(files))], known={"thanh-hoa": vietnam()})


def test_a_file_says_what_it_says(tmp_path: Path) -> None:
    [unit] = loaded(tmp_path, SOUND)
    office = ["07:30-11:30", "13:30-17:00"]
    same = calendar(
        timezone="Asia/Ho_Chi_Minh",
        week={"mon": office, "tue": ["07:30-11:30", "20:00-24:00"]},
        periods=[
            {"from": "2026-04-16", "until": "2026-10-15", "week": {"mon": ["06:30-11:00"]}},
            {"from": "2026-10-20", "week": {}},
        ],
        dates={"2026-09-02": [], "2026-08-22": ["06:30-11:00"]},
        names={"2026-09-02": "Quốc khánh"},
        provisional=["2026-09-02"],
        known_from="2026-01-01",
        known_until="2026-12-31",
    )
    assert (unit.name, unit.source, unit.calendar.version) == ("unit", "the unit's own notice", same.version)


def test_dates_may_stand_in_a_csv_file(tmp_path: Path) -> None:
    [unit] = loaded(tmp_path, WITH_CSV, days=DAYS)
    [same] = loaded(
        tmp_path,
        WITH_CSV.replace(
            "dates: days.csv",
            "dates: {2026-01-01: [], 2026-08-22: mon, 2026-09-02: [], 2026-12-31: [07:30-11:30, 13:30-14:00]}",
        )
        + "names: {2026-01-01: Tết Dương lịch, 2026-08-22: 'Làm bù,\n\n    cho 31/08', 2026-09-02: Quốc khánh}\n"
        + "provisional: [2026-09-02]\n",
    )
    assert unit.calendar.version == same.calendar.version


MISTAKES = [
    (
        "timezone: Asia/Ho_Chi_Minh",
        "timezone: Asia/Thanh_Hoa",
        3,
        "timezone: 'Asia/Thanh_Hoa' is not a known time zone",
    ),
    ("timezone: Asia/Ho_Chi_Minh", "timezone:", 1, "timezone: missing"),
    ("name: unit", "nam: unit", 1, "nam: not one of name, source,"),
    ("known_until: 2026-12-31", "known_until: 2025-12-31", 5, "known_until: 2025-12-31 is before known_from"),
    ("known_until: 2026-12-31", "known_until: 31/12/2026", 5, "known_until: '31/12/2026' is not a date"),
    (
        "mon: [07:30-11:30, 13:30-17:00]",
        "mon: [07:30-11:30, 11:00-17:00]",
        7,
        "week.mon: 07:30-11:30 and 11:00-17:00 overlap",
    ),
    (
        "mon: [07:30-11:30, 13:30-17:00]",
        "mon:\n  - 07:30-11:30\n  - 17:00-13:30",
        9,
        "week.mon: 17:00-13:30 closes before",
    ),
    ("mon: [07:30-11:30, 13:30-17:00]", "mon: 07:30-11:30", 7, "week.mon: '07:30-11:30' is not a list of shifts"),
    ("20:00-24:00", "20:00-24:30", 8, "week.tue: '20:00-24:30' is not a shift"),
    ("  tue:", "  thứ ba:", 8, "week.thứ ba: not one of mon, tue"),
    ("  tue:", "  mon:", 8, "week.mon: given twice, first in line 7"),
    ("    until: 2026-10-15", "    until: 2026-04-15", 11, "periods[0].until: 2026-04-15 is before from"),
    ("    until: 2026-10-15", "    until: 2026-10-20", 14, "periods[1]: overlaps periods[0]"),
    ("    week: {}", "    weeks: {}", 15, "periods[1].weeks: not one of from, until, week"),
    ("      mon: [06:30-11:00]", "      mon: [6:30-11:00]", 13, "periods[0].week.mon: '6:30-11:00' is not a shift"),
    ("  2026-08-22: mon", "  2026-02-30: mon", 18, "dates: '2026-02-30' is not a date"),
    ("  2026-08-22: mon", "  2026-09-02: mon", 18, "dates.2026-09-02: given twice, first in line 17"),
    ("  2026-08-22: mon", "  2026-08-22: thứ hai", 18, "dates.2026-08-22: 'thứ hai' is not a list of shifts"),
    ("provisional: [2026-09-02]", "provisional: [2026-09-31]", 21, "provisional: '2026-09-31' is not a date"),
    ("  2026-09-02: Quốc khánh", "  2026-09-02: [Quốc khánh]", 20, "names.2026-09-02: ['Quốc khánh'] is not a name"),
    ("provisional: [2026-09-02]", "provisional: [2026-09-02", 22, "not YAML: "),
    ("name: unit", "name: unit\x07", 1, "not YAML: the character"),
    ("timezone: Asia/Ho_Chi_Minh", "timezone: *zone", 3, "not YAML: found undefined alias"),
    ("name: unit", "name: [unit]", 1, "name: ['unit'] is not a name"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "says"), MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, line: int, says: str) -> None:
    assert right in SOUND
    assert [one for one in told(tmp_path, SOUND.replace(right, wrong, 1)) if one.startswith(f"0.yaml:{line}: {says}")]


def test_all_mistakes_are_told_at_once_and_nothing_else(tmp_path: Path) -> None:
    text = SOUND
    one_a_line = [MISTAKES[n] for n in (0, 4, 5, 8, 14, 15, 19, 18)]
    for right, wrong, _, _ in one_a_line:
        text = text.replace(right, wrong, 1)
    mistakes = told(tmp_path, text)
    assert len(mistakes) == len(one_a_line)
    for mistake, (_, _, line, says) in zip(mistakes, one_a_line, strict=True):
        assert mistake.startswith(f"0.yaml:{line}: {says}")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("2026-01-01,", "2026-02-30,", 2, "dates: '2026-02-30' is not a date such as 2026-11-24"),
        ("2026-12-31,", "2026-01-01,", 7, "2026-01-01: given twice, first in line 2"),
        (",low,", ",lo,", 6, "2026-09-02: confidence: 'lo' is not one of high, medium, low"),
        (
            ",half_holiday,",
            ",half,",
            7,
            "2026-12-31: kind: 'half' is not one of holiday, swap_off, half_holiday, worked_swap",
        ),
        (",half_holiday,", ",holiday,", 7, "2026-12-31: a holiday is a day off and has no shifts; one that"),
        ("07:30-11:30 13:30-14:00", "", 7, "2026-12-31: a half_holiday needs its shifts"),
        (
            "07:30-11:30 13:30-14:00",
            "07:30-11:30 11:00-14:00",
            7,
            "dates.2026-12-31: 07:30-11:30 and 11:00-14:00 overlap",
        ),
        (",low,", ",low,,", 6, "7 fields where the header has 6"),
        ('"Làm bù', "Làm bù", 4, "4 fields where the header has 6"),
        ('cho 31/08"', "cho 31/08", 4, "not CSV: "),
        ("date,kind", "day,kind", 1, "the columns are date, kind, name,"),
        ("date,kind", "date,shifts", 1, "the columns are date, kind, name,"),
    ],
)
def test_a_mistake_in_a_csv_file_is_told_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, says: str
) -> None:
    assert right in DAYS
    mistakes = told(tmp_path, WITH_CSV, days=DAYS.replace(right, wrong, 1))
    assert [one for one in mistakes if one.startswith(f"days.csv:{line}: {says}")]


def test_a_make_up_day_without_hours_is_a_mistake(tmp_path: Path) -> None:
    assert told(tmp_path, WITH_CSV.replace("make_up: mon", ""), days=DAYS) == [
        "days.csv:4: 2026-08-22: a worked_swap needs its shifts, or `make_up` in the YAML file"
    ]
    assert told(tmp_path, WITH_CSV.replace("make_up: mon", "make_up: [9-10]"), days=DAYS)[:1] == [
        "0.yaml:17: make_up: '9-10' is not a shift such as 07:00-11:30"
    ]


def test_a_csv_file_that_is_missing_or_no_text_is_a_mistake(tmp_path: Path) -> None:
    assert told(tmp_path, WITH_CSV) == ["0.yaml:16: dates: there is no file 'days.csv' beside this one"]
    elsewhere = WITH_CSV.replace("days.csv", str(DATA / "vietnam.csv"))
    assert told(tmp_path, elsewhere) == ["0.yaml:16: dates: there is no file 'vietnam.csv' beside this one"]
    (tmp_path / "days.csv").write_bytes(b"date,kind\n2026-01-01,holiday\xff\n")
    assert told(tmp_path, WITH_CSV) == ["days.csv:2: not UTF-8 text"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0.yaml:1: not a calendar: its entries are name, source,"),
        ("- 1\n", "0.yaml:1: not a calendar: its entries are name, source,"),
        ("name: a\n---\nname: b\n", "0.yaml:2: not YAML: but found another document"),
        ("name: a\ninherits: thanh-hoa\nweek: {}\n", "0.yaml:1: calendar has no open hours"),
        ("name: a\ninherits: a\n", "0.yaml:2: inherits: a inherits itself"),
        ("name: a\ninherits: b\n", "0.yaml:2: inherits: there is no calendar 'b'; there is thanh-hoa"),
        ("name: a\ninherits: b\nweek: {mon: [9-10]}\nknown_until: 1999-12-31\n", "0.yaml:3: week.mon: '9-10' is not"),
        ("name: a\nperiods: &a\n  - *a\n", "0.yaml:2: not YAML: too many entries in one another"),
        (BOMB, "0.yaml:1: not YAML: too many entries in one another"),
    ],
)
def test_what_is_no_calendar_or_no_heir_is_told(tmp_path: Path, text: str, says: str) -> None:
    assert [one for one in told(tmp_path, text) if one.startswith(says)]


def test_no_open_hours_at_all_is_a_mistake(tmp_path: Path) -> None:
    text = "name: a\ntimezone: UTC\nknown_from: 2026-01-01\nknown_until: 2026-12-31\nweek: {sat: []}\n"
    assert told(tmp_path, text) == ["0.yaml:1: calendar has no open hours"]


def test_a_unit_follows_the_province_in_what_it_does_not_say(tmp_path: Path) -> None:
    base = "name: commune\ninherits: district\ndates: {2026-11-23: []}\n"
    district = "name: district\ninherits: thanh-hoa\nknown_until: 2026-12-31\n"
    commune, over = loaded(tmp_path, base, district)
    assert (commune.inherits, over.inherits) == ("district", "thanh-hoa")
    assert str(commune.calendar.known_until) == "2026-12-31"
    [off] = [day for day in commune.calendar.content.dates if str(day) == "2026-11-23"]
    assert not is_working_day(commune.calendar, on=off)
    assert is_working_day(over.calendar, on=off)


def test_calendars_that_inherit_in_a_circle_are_refused(tmp_path: Path) -> None:
    mistakes = told(tmp_path, "name: a\ninherits: b\n", "name: b\ninherits: c\n", "name: c\ninherits: a\n")
    assert "2.yaml:2: inherits: a → b → c → a goes round in a circle" in mistakes


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    assert told(tmp_path, SOUND, SOUND) == [f"1.yaml:1: name: unit is the name of {tmp_path / '0.yaml'} too"]


def test_what_is_perhaps_not_meant_is_noted(tmp_path: Path) -> None:
    [unit] = loaded(tmp_path, "name: a\ninherits: thanh-hoa\nknown_until: 2028-12-31\ndates: {2062-01-01: []}\n")
    assert unit.notes == (
        "the days off after 2027-12-31 are its own only: thanh-hoa is not known there",
        "not between known_from and known_until, so without effect: 2062-01-01",
    )


DATES = st.dates(min_value=vietnam().known_from, max_value=vietnam().known_until).map(str)
WEEKS = st.dictionaries(st.sampled_from(WEEKDAYS), shifts())


@st.composite
def plain_calendars(draw: st.DrawFn) -> dict[str, Any]:
    edges = sorted(draw(st.sets(DATES, max_size=6)))
    periods = [
        {"from": since, "until": until, "week": draw(WEEKS)}
        for since, until in zip(edges[::2], edges[1::2], strict=False)
    ]
    return {
        "timezone": draw(st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Amsterdam", "UTC"])),
        "week": draw(WEEKS) | {"wed": ["07:00-11:30", "13:30-24:00"]},
        "periods": periods,
        "dates": draw(st.dictionaries(DATES, shifts() | st.sampled_from(WEEKDAYS), max_size=5)),
        "names": draw(st.dictionaries(DATES, st.text(st.characters(exclude_categories=["C", "Z"])), max_size=3)),
        "provisional": draw(st.lists(DATES, max_size=3)),
        "known_from": str(vietnam().known_from),
        "known_until": str(vietnam().known_until),
    }


@settings(max_examples=25)
@given(plain=plain_calendars(), indent=st.sampled_from([None, 1, 4]))
def test_any_sound_calendar_can_be_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, plain: dict[str, Any], indent: int | None
) -> None:
    folder = tmp_path_factory.mktemp("calendars")
    text = json.dumps({"name": "any", **plain}, indent=indent, ensure_ascii=False)  # JSON is YAML
    assert loaded(folder, text)[0].calendar.version == calendar(**plain).version


@settings(max_examples=25)
@given(plain=plain_calendars(), wrong=st.sampled_from(["9-10", "17:00-07:00", "07:00-25:00"]), data=st.data())
def test_a_mistake_planted_anywhere_is_told_on_its_line_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, plain: dict[str, Any], wrong: str, data: st.DataObject
) -> None:
    weeks = [plain["week"], *(period["week"] for period in plain["periods"]), plain["dates"]]
    places = [(week, day) for week in weeks for day, hours in week.items() if isinstance(hours, list)]
    week, day = data.draw(st.sampled_from(places))
    week[day] = [*week[day], wrong]
    text = json.dumps({"name": "any", **plain}, indent=1, ensure_ascii=False)
    [line] = [n for n, one in enumerate(text.split("\n"), 1) if f'"{wrong}"' in one]
    [mistake] = told(tmp_path_factory.mktemp("calendars"), text)
    assert mistake.startswith(f"0.yaml:{line}: ")
    assert f"{day}: " in mistake
    assert wrong in mistake
