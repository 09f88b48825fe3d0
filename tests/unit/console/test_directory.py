"""One unit, many words for it."""

import unicodedata

from shared.directory import Unit, directory, resolve

HAC_THANH = Unit("14797", "Phường Hạc Thành", ("000.21.03.H56", "UBND phường Hạc Thành"), True)
LAND = Unit("TH-SNNMT", "Sở Nông nghiệp và Môi trường tỉnh Thanh Hóa", ("H56.12", "Sở NN&MT"), True)
UNITS = directory([HAC_THANH, LAND])


def test_a_name_is_found_in_any_case_spacing_and_unicode_form() -> None:
    written = unicodedata.normalize("NFD", "  UBND   PHƯỜNG\u00a0Hạc Thành ")
    assert resolve(UNITS, written, None) == "14797"


def test_both_ways_of_placing_the_tone_mark_are_one_name() -> None:
    assert resolve(UNITS, "Sở Nông nghiệp và Môi trường tỉnh Thanh Hoá", None) == "TH-SNNMT"


def test_an_agency_id_is_found_in_both_shapes() -> None:
    assert resolve(UNITS, None, "H56.03.21") == "14797"
    assert resolve(UNITS, None, "000.00.12.H56") == "TH-SNNMT"
    assert resolve(UNITS, None, "14797") == "14797"


def test_the_name_goes_before_the_id_and_the_id_stands_in_for_an_unknown_name() -> None:
    assert resolve(UNITS, "Phường Hạc Thành", "H56.12") == "14797"
    assert resolve(UNITS, "Chi nhánh số 9", "H56.12") == "TH-SNNMT"
    assert resolve(UNITS, "Chi nhánh số 9", None) is None
    assert resolve(UNITS, "", None) is None


def test_a_word_of_two_units_means_neither_unless_one_has_the_better_claim() -> None:
    former = Unit("100", "Xã Quang Trung", (), False)
    ward = Unit("200", "Phường Quang Trung", ("Xã Quang Trung",), True)
    other = Unit("300", "Phường Ngọc Sơn", ("Xã Quang Trung",), True)
    assert resolve(directory([former, ward]), "xã quang trung", None) == "200"
    assert resolve(directory([former, ward, other]), "xã quang trung", None) is None
    assert resolve(directory([former]), "xã quang trung", None) == "100"
    assert resolve(directory([former._replace(active=True), ward]), "xã quang trung", None) == "100"
