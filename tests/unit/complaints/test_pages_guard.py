"""What keeps floods out: marks of forms, work for who sends too often, repeats; and that people get through."""

import hashlib
import re
from itertools import count

import pytest

from services.complaints.web import guard, sending, tokens
from services.complaints.web.claims import ANSWERED_AGAIN_S, Claims
from services.complaints.web.desk import Filed
from services.complaints.web.guard import Guard, Limits
from tests.unit.complaints.pages import KEY, codes, problems, site

ID = b"twelve bytes"


def mark(*, now_s: float = 1000.0, id: bytes = ID) -> str:
    return tokens.issue(key=KEY, id=id, now_s=now_s)


def work(token: str, *, bits: int) -> str:
    """Return a number that is work for a form, found as the page's script does."""
    return next(str(n) for n in count() if tokens.proves(token, str(n), bits=bits))


def test_a_mark_is_ours_for_two_hours_and_under_our_key_only() -> None:
    assert tokens.read(mark(), key=KEY, now_s=1003.5).age_s == pytest.approx(3.5)
    with pytest.raises(tokens.TokenExpiredError):
        tokens.read(mark(), key=KEY, now_s=1000 + 2 * 3600 + 1)
    for text, key in ((mark(), b"another"), (mark()[:-1] + "A", KEY), ("", KEY), ("é", KEY), ("A" * 48, KEY)):
        with pytest.raises(tokens.TokenError):
            tokens.read(text, key=key, now_s=1001)


def test_work_is_a_number_whose_hash_with_the_mark_begins_with_zero_bits() -> None:
    nonce = work(mark(), bits=12)
    digest = hashlib.sha256(f"{mark()}:{nonce}".encode()).hexdigest()
    assert digest.startswith("000")
    assert not tokens.proves(mark(id=b"another form"), nonce, bits=12)
    for none in ("", "-1", "1 ", "x", "٣", "1" * 21):
        assert not tokens.proves(mark(), none, bits=0)


def test_a_question_is_bound_to_its_mark_and_takes_digits_and_words() -> None:
    asked = {tokens.question(tokens.Token("", bytes([n] * 12), 0), key=KEY) for n in range(200)}
    assert len(asked) > 60
    for one in asked:
        assert 0 <= one.answer <= 20
        assert one.words[0].isupper()
        assert tokens.answers(one, f" {one.answer} ")
        assert tokens.answers(one, tokens.NUMBERS[one.answer].upper() + ".")
        assert not tokens.answers(one, str(one.answer + 1))
    assert tokens.NUMBERS[15] == "mười lăm"
    assert len(tokens.NUMBERS) == 21


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.0.0.9", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff%eth0", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_line_with_ipv6_is_one_sender_whatever_address_it_takes(address: str, source: str) -> None:
    assert guard.source_of(address) == source


def test_a_repeat_is_the_same_words_from_the_same_address_within_minutes() -> None:
    watch = Guard(Limits(0, 0, 8), KEY)
    assert not watch.is_repeat("10.0.0.9", ["Đường  hỏng\r\n", ""], at_s=0)
    assert watch.is_repeat("10.0.0.9", ["đường hỏng", ""], at_s=599)
    assert not watch.is_repeat("10.0.0.8", ["đường hỏng", ""], at_s=599)
    assert not watch.is_repeat("10.0.0.9", ["đường hỏng nặng", ""], at_s=599)
    assert not watch.is_repeat("10.0.0.9", ["đường hỏng", "H56-261102-0001"], at_s=599)
    watch.forget("10.0.0.9", ["Đường hỏng", ""])
    assert not watch.is_repeat("10.0.0.9", ["đường hỏng", ""], at_s=599)
    assert not watch.is_repeat("10.0.0.9", ["đường hỏng", ""], at_s=1200)


async def test_a_secret_is_told_again_for_minutes_and_the_form_is_known_for_its_life() -> None:
    claims = Claims()
    claims.take(ID, b"digest", at_s=0)
    claims.settle(ID, Filed("code", "secret"))
    early = claims.find(ID, at_s=ANSWERED_AGAIN_S - 1)
    assert early
    assert early.filed
    late = claims.find(ID, at_s=ANSWERED_AGAIN_S)
    assert late
    assert late.filed is None
    assert claims.find(ID, at_s=tokens.OLDEST_S) is None


@pytest.mark.parametrize("age_s", [tokens.OLDEST_S + 5, -5, 2.5])
async def test_a_form_too_old_too_fast_or_of_nobody_is_shown_again_as_it_was(age_s: float) -> None:
    at = site()
    for sent in (await at.send(mark=at.mark(age_s=age_s)), await at.send(mark="x")):
        assert sent.status_code == 422
        assert problems(sent)[0] in (sending.OPEN_TOO_LONG, sending.TOO_FAST)
        assert 'value="Phường Hạc Thành"' in sent.text
    assert not at.desk.filings


async def test_a_field_that_people_do_not_see_catches_programs_and_loses_no_text() -> None:
    at = site()
    sent = await at.send(website="http://example.vn")
    assert problems(sent) == [sending.TRAPPED]
    assert "example.vn" not in sent.text
    assert not at.desk.filings
    assert 'aria-hidden="true"' in sent.text


async def test_the_same_text_from_one_address_is_told_as_a_repeat_and_not_stored_twice() -> None:
    at = site()
    codes(await at.send())
    again = await at.send()
    assert (again.status_code, problems(again)) == (409, [sending.REPEAT])
    assert len(at.desk.filings) == 1


async def test_over_the_free_limit_a_question_lets_people_through_and_a_wrong_answer_gets_a_new_one() -> None:
    at = site(free=1)
    assert "work.js" not in (await at.browser.get("/gui")).text
    codes(await at.send())
    asking = await at.browser.get("/gui")
    assert "script-src 'self'" in asking.headers["Content-Security-Policy"]
    assert 'data-bits="8"' in asking.text

    mark = at.mark()
    question = at.pages.gate.guard.question(tokens.read(mark, key=KEY, now_s=0))
    unanswered = await at.send(mark=mark, text="Hai.")
    assert problems(unanswered) == [f"Câu hỏi kiểm tra: {sending.ANSWER_IT}"]
    assert question.words in unanswered.text
    wrong = await at.send(mark=mark, text="Hai.", answer=str(question.answer + 1))
    assert problems(wrong) == [f"Câu hỏi kiểm tra: {sending.WRONG}"]
    assert mark not in wrong.text
    codes(await at.send(mark=mark, text="Hai.", answer=tokens.NUMBERS[question.answer]))
    assert len(at.desk.filings) == 2


async def test_over_the_free_limit_a_script_may_work_instead() -> None:
    at = site(free=1)
    codes(await at.send())
    mark = at.mark()
    assert problems(await at.send(mark=mark, text="Hai.", nonce="12345678901234567890"))
    codes(await at.send(mark=mark, text="Hai.", nonce=work(mark, bits=8)))


async def test_wrong_answers_are_limited_and_no_file_is_kept_meanwhile() -> None:
    at = site(free=1)
    codes(await at.send())
    tries = [
        await at.send(text="Hai.", answer="99", files=[("a.jpg", b"a")]) for _ in range(guard.WRONG_PER_MINUTE + 1)
    ]
    assert [one.status_code for one in tries] == [422] * guard.WRONG_PER_MINUTE + [429]
    assert int(tries[-1].headers["Retry-After"]) > 0
    assert "xin chờ" in tries[-1].text.lower()
    assert not at.vault.kept


async def test_nobody_files_beyond_the_most() -> None:
    at = site(most=2)
    assert [(await at.send(text=f"Việc {n}.")).status_code for n in range(3)] == [200, 200, 429]


async def test_the_page_of_a_form_has_a_new_mark_each_time() -> None:
    at = site()
    marks = {re.search(r'name="form" value="([^"]+)"', (await at.browser.get("/gui")).text).group(1) for _ in range(2)}  # type: ignore[union-attr]
    assert len(marks) == 2
