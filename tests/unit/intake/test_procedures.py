"""A catalogue of procedures as a file: what makes a limit, what is only told as doubtful, what cannot be meant."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.deadline.limits import carried
from services.intake import procedure_row as row
from services.intake import procedures
from services.intake.procedures import CatalogueError, Flagged
from shared.cloudevents import Outgoing, outgoing
from shared.events import ProcedureDescribed

OURS = "code,name,field,case,channel,limit_value,limit_unit,difficult_days,valid_from,valid_until,legal_basis\n"
PORTAL = "code,name_vi,limit_value,limit_unit,confidence,note,portal_times\n"
NATIONAL = Path(__file__).resolve().parents[3] / "../shared/data/procedures/procedures_national.csv"
CODE = "1.012784"
NOON = datetime(2026, 11, 2, 5, tzinfo=UTC)


def read(text: str) -> procedures.Catalogue:
    return procedures.read(text.encode())


def rules(text: str) -> list[dict[str, Any]]:
    """Return the rules of the one procedure of a file, members that say nothing left out."""
    [one] = read(text).procedures.values()
    return [{name: value for name, value in rule.items() if value} for rule in one["rules"]]


def doubts(text: str) -> list[tuple[int, str]]:
    return [(one.line, one.why) for one in read(text).flagged]


def mistakes(text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(CatalogueError) as refused:
        procedures.read(text if isinstance(text, bytes) else text.encode())
    return [(one.line, one.why) for one in refused.value.mistakes]


def limit(**given: str) -> str:
    """Return a file of one line."""
    cells = {"code": CODE, "limit_value": "12", "limit_unit": "working_days", **given}
    return f"{','.join(cells)}\n{','.join(cells.values())}\n"


# --- what is taken --------------------------------------------------------------------------------------------------


def test_several_lines_of_one_code_are_its_cases_channels_and_periods() -> None:
    catalogue = read(
        OURS
        + f"{CODE},Tách thửa đất,Đất đai,,,12,working_days,10,,2026-12-31,NĐ 101/2024\n"
        + f"{CODE},,,,,9,working_days,10,2027-01-01,,QĐ của UBND tỉnh\n"
        + f"{CODE}.000.00.00.H56,,,TH-02,online,8,working_hours,,,,\n"
        + "1.004746,Đăng ký lại kết hôn,Hộ tịch,,,5,Ngày làm việc,,,,\n"
    )
    assert (list(catalogue.procedures), catalogue.flagged) == ([CODE, "1.004746"], [])
    land = catalogue.procedures[CODE]
    assert (land["code"], land["name"], land["field"]) == (CODE, "Tách thửa đất", "Đất đai")
    assert land["rules"] == [
        {
            "case": case, "channel": channel, "value": value, "unit": unit, "difficult_days": more,
            "valid_from": since, "valid_until": until, "basis": basis,
        }
        for case, channel, value, unit, more, since, until, basis in [
            (None, None, 12, "working_days", 10, None, "2026-12-31", "NĐ 101/2024"),
            (None, None, 9, "working_days", 10, "2027-01-01", None, "QĐ của UBND tỉnh"),
            ("TH-02", "online", 8, "working_hours", 0, None, None, ""),
        ]
    ]  # fmt: skip


def test_a_procedure_can_be_said_as_an_event() -> None:
    [one] = read(limit(valid_from="2026-07-01", channel="post")).procedures.values()
    said = outgoing(ProcedureDescribed, id="x", about=CODE, time=NOON, data={**one, "revision": 1})
    assert isinstance(said, Outgoing)
    event = ProcedureDescribed.model_validate(orjson.loads(said.body)["data"])
    assert event.model_dump(mode="json") == {**one, "revision": 1}


def test_the_order_of_lines_and_the_mark_of_excel_change_nothing() -> None:
    lines = [f"{CODE},,,,,12,working_days,,,,\n", f"{CODE},,,01,,9,working_days,,,,\n", f"{CODE},,,,post,9,weeks,,,,\n"]
    same = read(OURS + "".join(lines)).procedures
    assert read(OURS + "".join(reversed(lines))).procedures == same
    assert procedures.read(b"\xef\xbb\xbf" + (OURS + "".join(lines)).replace("\n", "\r\n").encode()).procedures == same


@pytest.mark.parametrize(
    ("unit", "read_as"),
    [
        ("ngay_lam_viec", "working_days"), ("Ngày  làm việc", "working_days"), ("ngay", "calendar_days"),
        ("Ngày", "calendar_days"), ("Giờ", "working_hours"), ("gio", "working_hours"), ("thang", "months"),
        ("Tuần", "weeks"), ("weeks", "weeks"), ("working_minutes", "working_minutes"),
    ],
)  # fmt: skip
def test_units_may_be_in_vietnamese_and_none_is_converted(unit: str, read_as: str) -> None:
    assert rules(limit(limit_unit=unit)) == [{"value": 12, "unit": read_as}]


@pytest.mark.parametrize("figure", ["0", ""])
def test_the_same_day_has_no_figure(figure: str) -> None:
    assert rules(limit(limit_unit="trong_ngay", limit_value=figure)) == [{"unit": "same_day"}]


@pytest.mark.parametrize(
    ("word", "channel"),
    [("online", "online"), ("Trực tuyến", "online"), ("trực tiếp", "counter"), ("Bưu chính", "post")],
)
def test_channels_may_be_in_vietnamese(word: str, channel: str) -> None:
    assert rules(limit(channel=word))[0]["channel"] == channel


# --- what is doubtful ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"limit_unit": ""}, row.NO_UNIT),
        ({"limit_unit": "năm"}, row.UNKNOWN_UNIT),
        ({"limit_value": "", "limit_unit": ""}, row.NO_LIMIT),
        ({"limit_value": ""}, row.NO_FIGURE),
        ({"limit_value": "0"}, row.NO_FIGURE),
        ({"limit_value": "theo quy định"}, row.NO_FIGURE),
        ({"limit_value": "7.5"}, row.NO_FIGURE),
        ({"limit_value": "٧"}, row.NO_FIGURE),
        ({"limit_unit": "same_day"}, row.SAME_DAY_FIGURE),
        ({"difficult_days": "mười"}, row.BAD_DIFFICULT),
        ({"channel": "fax"}, row.UNKNOWN_CHANNEL),
        ({"confidence": "low"}, row.NOT_BELIEVED),
        ({"confidence": "thấp"}, row.NOT_BELIEVED),
    ],
)
def test_a_doubtful_line_is_told_and_makes_no_limit_while_its_procedure_is_known(
    given: dict[str, str], why: str
) -> None:
    assert (rules(limit(**given)), doubts(limit(**given))) == ([], [(2, why)])


def test_the_sound_lines_beside_a_doubtful_one_are_taken() -> None:
    text = OURS + f"{CODE},,,,,12,working_days,,,,\n{CODE},,,01,,9,,,,,\n"
    assert (len(rules(text)), doubts(text)) == (1, [(3, row.NO_UNIT)])


def test_limits_that_nothing_tells_apart_are_not_taken() -> None:
    text = OURS + f"{CODE},,,,,12,working_days,,,,\n{CODE},,,,,20,working_days,,,,\n{CODE},,,01,,5,weeks,,,,\n"
    assert [rule["value"] for rule in rules(text)] == [5]
    assert doubts(text) == [(2, procedures.NOT_TOLD_APART), (3, procedures.NOT_TOLD_APART)]


def test_a_line_that_says_the_same_again_is_one_limit() -> None:
    text = OURS + f"{CODE},,,,,12,working_days,,,,one\n{CODE},,,,,12,ngay_lam_viec,,,,another\n"
    assert (rules(text), doubts(text)) == (
        [{"value": 12, "unit": "working_days", "basis": "one"}],
        [(3, procedures.SAID_TWICE)],
    )


@pytest.mark.parametrize(("ends", "told"), [("", []), ("2026-12-31", []), ("2027-01-01", [(3, procedures.OVERLAPS)])])
def test_a_later_limit_follows_an_earlier_one_and_is_told_where_that_had_not_ended(
    ends: str, told: list[tuple[int, str]]
) -> None:
    old, new = f"{CODE},,,,,12,weeks,,,{ends},\n", f"{CODE},,,,,9,weeks,,2027-01-01,,\n"
    assert (len(rules(OURS + old + new)), doubts(OURS + old + new)) == (2, told)
    assert (rules(OURS + new + old), len(doubts(OURS + new + old))) == (rules(OURS + old + new), len(told))


def test_another_name_for_one_code_is_told_and_the_first_is_kept() -> None:
    text = OURS + f"{CODE},Một,,,,12,weeks,,,,\n{CODE},Hai,,01,,9,weeks,,,,\n"
    assert (read(text).procedures[CODE]["name"], doubts(text)) == ("Một", [(3, procedures.OTHER_NAME)])


# --- the portal's figures --------------------------------------------------------------------------------------------


def portal(times: str, *, note: str = "", value: str = "12", confidence: str = "medium") -> str:
    return PORTAL + f"{CODE},Tách thửa đất,{value},{'ngay_lam_viec' if value else ''},{confidence},{note},{times}\n"


@pytest.mark.parametrize("times", ["online=12 ngay_lam_viec; counter=12 ngay_lam_viec", "online=12; post=?", ""])
def test_figures_of_the_portal_that_agree_are_the_limit(times: str) -> None:
    assert (rules(portal(times)), doubts(portal(times))) == ([{"value": 12, "unit": "working_days"}], [])


def test_figures_that_differ_by_channel_alone_are_limits_of_channels_beside_the_one_given() -> None:
    text = portal("online=8 ngay_lam_viec; counter=12 ngay_lam_viec; post=12 ngay_lam_viec")
    assert rules(text) == [
        {"value": 12, "unit": "working_days"},
        {"value": 8, "unit": "working_days", "channel": "online"},
    ]
    assert doubts(text) == []


@pytest.mark.parametrize(
    ("times", "note"),
    [
        ("online=12 ngay_lam_viec; counter=22 ngay_lam_viec", "difficult communes: +10"),
        ("counter=12 ngay_lam_viec; online=9 ngay_lam_viec; online=8 ngay_lam_viec", ""),
        ("online=12 ngay_lam_viec; counter=1", ""),
        ("online=12 ngay_lam_viec; counter=20 ngay", ""),
        ("online=8 ngay_lam_viec; counter=8 ngay_lam_viec", ""),
        ("online=12 ngay_lam_viec; fax=8 ngay_lam_viec", ""),
        ("online=12 ngay_lam_viec; counter=0 ngay_lam_viec", ""),
        ("online=12 ngay_lam_viec; counter=99999 ngay_lam_viec", ""),
    ],
)
def test_other_figures_may_be_of_cases_so_the_limit_given_is_taken_alone(times: str, note: str) -> None:
    text = portal(times, note=note)
    assert (rules(text), doubts(text)) == ([{"value": 12, "unit": "working_days"}], [(2, row.PORTAL_DIFFERS)])


def test_figures_of_the_portal_without_a_limit_make_none() -> None:
    text = portal("online=120; counter=120", value="", confidence="low")
    assert (rules(text), doubts(text)) == ([], [(2, row.NO_LIMIT_BUT_PORTAL)])


def test_the_carried_catalogue_read_as_a_file_gives_the_limits_that_are_carried() -> None:
    content = files("services.deadline").joinpath("data/procedures.csv").read_bytes()
    told = {code: one["rules"] for code, one in procedures.read(content).procedures.items() if one["rules"]}
    assert told == {code: [rule.model_dump(mode="json") for rule in rules] for code, rules in carried().items()}


@pytest.mark.skipif(not NATIONAL.is_file(), reason="the crawl of the national portal is not beside the project")
def test_of_the_national_catalogue_only_what_is_sound_becomes_a_limit() -> None:
    catalogue = procedures.read(NATIONAL.read_bytes())
    units = Counter(rule["unit"] for one in catalogue.procedures.values() for rule in one["rules"])
    assert len(catalogue.procedures) == 1601
    assert units == {"working_days": 819, "calendar_days": 255, "working_hours": 48, "months": 4}
    assert Counter(one.why for one in catalogue.flagged) == {
        row.NO_LIMIT_BUT_PORTAL: 287,
        row.NO_LIMIT: 76,
        row.NOT_BELIEVED: 112,
        row.PORTAL_DIFFERS: 5,
    }
    assert Flagged(2, "1.000005", row.NO_LIMIT_BUT_PORTAL) in catalogue.flagged


# --- what cannot be meant ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"code": ""}, "the code is missing"),
        ({"code": "2.00081"}, "the code 2.00081 was shortened by a spreadsheet: keep codes as text, such as 2.000810"),
        ({"valid_from": "01/7/2026"}, "valid_from must be a date such as 2026-07-01"),
        ({"valid_until": "2026-02-30"}, "valid_until must be a date such as 2026-07-01"),
        ({"valid_until": "0206-02-20"}, "valid_until must be a date such as 2026-07-01"),
        ({"valid_from": "2026-07-01", "valid_until": "2026-06-30"}, "valid_until lies before valid_from"),
        ({"limit_value": "-1"}, "limit_value must lie between 0 and ten years"),
        ({"limit_value": "3661"}, "limit_value must lie between 0 and ten years"),
        ({"limit_value": "9" * 5000}, "limit_value must lie between 0 and ten years"),
        ({"limit_value": "121", "limit_unit": "thang"}, "limit_value must lie between 0 and ten years"),
        ({"difficult_days": "-1"}, "difficult_days must lie between 0 and ten years"),
        ({"name": "x" * 2001}, "name has more than 2000 characters"),
        ({"name": "a\x07b"}, "name holds a control character"),
    ],
)
def test_a_mistake_is_told_with_its_line(given: dict[str, str], why: str) -> None:
    assert mistakes(limit(**given)) == [(2, why)]


def test_ten_years_are_not_too_long_and_a_period_may_be_one_day() -> None:
    assert len(rules(limit(limit_value="3660", valid_from="2026-07-01", valid_until="2026-07-01"))) == 1


def test_all_mistakes_are_told_at_once_by_their_first_lines_and_nothing_is_used() -> None:
    text = OURS + f'{CODE},"Tách\nthửa",,,,-1,weeks,,,,\n\n{CODE},,,,,9,weeks,,x,,\n,,,,,9,weeks,,,,\n'
    assert [line for line, _ in mistakes(text)] == [2, 5, 6]
    assert (
        str(CatalogueError([procedures.Mistake(2, "one"), procedures.Mistake(3, "two")])) == "line 2: one; line 3: two"
    )


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"", 1, "the column code is missing; known, with commas between them: code, name"),
        (b"name,limit_value\nx,1\n", 1, "the column code is missing"),
        (b"code;name\n1.000001;x\n", 1, "the column code is missing; known, with commas between them"),
        (b"code,name\n1.000001,\xc4\xe1t\n", 2, "not UTF-8"),
        (b"code,name\n1.000001,a,b\n", 2, "3 cells for 2 columns"),
        (b'code,name\n1.000001,"never ends\n', 2, "not CSV: "),
    ],
)
def test_a_file_that_is_no_catalogue_is_told_as_such(content: bytes, line: int, why: str) -> None:
    [(told_line, told)] = mistakes(content)
    assert (told_line, told[: len(why)]) == (line, why)


def test_a_procedure_has_no_more_limits_than_an_event_carries() -> None:
    lines = [f"{CODE},,,case {number},,12,weeks,,,,{'Ngày' * 250}\n" for number in range(procedures.MOST_RULES)]
    [one] = read(OURS + "".join(lines)).procedures.values()
    assert len(orjson.dumps(one)) < 1 << 20
    assert mistakes(OURS + "".join(lines) + f"{CODE},,,one more,,12,weeks,,,,\n") == [
        (procedures.MOST_RULES + 2, f"{CODE} has more than {procedures.MOST_RULES} limits")
    ]
