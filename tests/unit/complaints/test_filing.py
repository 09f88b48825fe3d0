"""What a feedback must look like, its code, and whom it goes to."""

import json
import unicodedata

import pytest
from pydantic import ValidationError

from services.complaints.filing import (
    CODE,
    SECRET,
    Filing,
    dossier_key,
    new_code,
    new_secret,
    read_code,
    read_secret,
    unit_words,
)


def filing(**said: object) -> Filing:
    return Filing.model_validate_json(json.dumps({"text": "Chậm trả kết quả.", **said}))


def test_a_code_can_be_read_back_however_it_is_typed() -> None:
    code = new_code()
    assert CODE.fullmatch(code)
    assert read_code(f" {code.lower()} ") == code
    assert read_code(code.lower().replace("-", "")) == code
    assert read_code(code[:-1]) is None
    assert read_code("PA-0000-0000-0000") is None
    assert len({new_code() for _ in range(1000)}) == 1000


def test_a_secret_is_read_like_a_code_and_is_none() -> None:
    secret = new_secret()
    assert SECRET.fullmatch(secret)
    assert read_secret(f" {secret.lower().replace('-', ' ')}") == secret
    assert read_secret(new_code()) is None
    assert read_code(secret) is None


def test_text_is_kept_in_one_unicode_form() -> None:
    said = filing(text=unicodedata.normalize("NFD", " Đề nghị trả lời\r\nsớm "), unit="H56.12")
    assert said.text == "Đề nghị trả lời\r\nsớm"


@pytest.mark.parametrize(
    "said",
    [
        {"text": "có ký tự \u0000 lạ", "unit": "H56.12"},
        {"text": "bình thường", "unit": "hai\ndòng"},
        {"text": "bình thường", "unit": "H56.12", "contact": "0900\u001b000 001"},
        {"text": "  ", "unit": "H56.12"},
        {"text": "x" * 20_001, "unit": "H56.12"},
        {"text": "bình thường", "anonymous": True, "name": "Nguyễn Văn Mẫu"},
        {"text": "bình thường", "unit": "H56.12", "unknown": "field"},
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Filing.model_validate_json(json.dumps(said))


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValidationError):
        Filing.model_validate_json(b'{"text": "\\ud800", "unit": "H56.12"}')


def test_the_longest_text_is_accepted_in_any_unicode_form() -> None:
    assert len(filing(text=unicodedata.normalize("NFD", "ệ" * 20_000), unit="H56.12").text) == 20_000


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ({"unit": "000.00.12.H56"}, "H56.12"),
        ({"unit": "Phường Hạc Thành"}, "Phường Hạc Thành"),
        ({"dossier": " 000.00.12.h56-261120-0007 "}, "H56.12"),
        ({"dossier": "H56.12-20261120-0000007"}, "H56.12"),
        ({"dossier": "HS-7"}, None),
        ({"unit": "Sở Xây dựng", "dossier": "000.00.12.H56-261120-0007"}, "Sở Xây dựng"),
    ],
)
def test_the_addressee_is_the_unit_named_else_the_one_in_the_dossiers_code(
    said: dict[str, str], unit: str | None
) -> None:
    assert unit_words(filing(**said)) == unit


def test_a_dossiers_code_is_written_as_the_other_services_write_it() -> None:
    assert dossier_key(filing(dossier=" 000.00.12.h56-261120-0007 ")) == "000.00.12.H56-261120-0007"
    assert dossier_key(filing(unit="H56.12")) is None
