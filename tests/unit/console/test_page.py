"""The page says what the overview holds, in Vietnamese, and lets no one's text become markup."""

from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import get_args

from services.console import page
from services.console.overview import THINGS, Counts, Fresh, Notice, Overview
from services.notify.policies.policy import Role
from shared.events import FeedbackState, Kind, NoticeChannel

NOW = datetime.fromisoformat("2026-11-20T02:00:00+00:00")
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>"""
LINE = Counts("14797", "Phường Hạc Thành", 1234, 1, 20, 31, timedelta(days=12, hours=3), 2)
OVERVIEW = Overview(NOW, LINE, [LINE], [], [], {}, {}, {}, [])


class Markup(HTMLParser):
    """Collects what a browser would see: tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def shown(overview: Overview) -> str:
    return page.whole(overview, sending="record", driven=False)


def test_the_page_speaks_vietnamese_with_local_time_and_dots_between_thousands() -> None:
    text = shown(OVERVIEW)
    for part in ('lang="vi"', "thứ Sáu, 20/11/2026 09:00", "1.234", "12 ngày", "Chỉ ghi lại, không gửi ra ngoài"):
        assert part in text


def test_mail_of_a_simulation_is_not_called_sent() -> None:
    text = page.whole(OVERVIEW, sending="simulated", driven=True)
    assert "Gửi vào hộp thư mô phỏng" in text
    assert "Gửi thật" not in text


def test_no_text_of_others_becomes_markup() -> None:
    notice = Notice(NOW, HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, None)
    hostile = Overview(
        NOW, LINE, [Counts(None, HOSTILE)], [], [notice], {"sent": 1}, {1: 1}, {}, [Fresh("source", HOSTILE, NOW)]
    )
    calm = Markup(shown(OVERVIEW))
    markup = Markup(shown(hostile))
    assert markup.tags.count("script") == calm.tags.count("script") == 2
    assert markup.tags.count("img") == calm.tags.count("img")
    assert not [name for name, _ in markup.attributes if name.startswith("on") or name == "style"]
    assert "&lt;script&gt;alert(1)" in shown(hostile)


def test_nothing_is_loaded_from_elsewhere_and_no_script_stands_in_the_page() -> None:
    for text in (shown(OVERVIEW), page.login(refused=True)):
        links = [value for name, value in Markup(text).attributes if name in ("src", "href", "action", "hx-get")]
        assert links
        assert all(value and value.startswith(("/", "#")) for value in links)
        assert "<style" not in text
    assert all(page.asset(name) for name in page.STATIC)


def test_the_page_renews_itself_with_and_without_scripts() -> None:
    text = shown(OVERVIEW)
    assert 'hx-get="/live" hx-trigger="every 2s"' in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert page.live(OVERVIEW, sending="record", driven=False).strip() in text


def test_every_table_has_a_caption_and_headers_with_a_scope() -> None:
    markup = Markup(shown(OVERVIEW))
    assert markup.tags.count("caption") == markup.tags.count("table") == 1
    assert markup.tags.count("th") == sum(name == "scope" for name, _ in markup.attributes)


def test_what_else_falls_due_has_a_table_of_its_own_by_kind() -> None:
    others = [Counts(kind, "", open=7, paused=1, overdue=3, late=42) for kind in page.KINDS if kind != "dossier"]
    text = shown(replace(OVERVIEW, others=others))
    markup = Markup(text)
    assert markup.tags.count("caption") == markup.tags.count("table") == 2
    assert markup.tags.count("th") == sum(name == "scope" for name, _ in markup.attributes)
    part = text[text.index('id="others-title"') : text.index('id="notices-title"')]
    assert all(label in part for kind, label in page.KINDS.items() if kind != "dossier")
    assert [part.count(f">{number}<") for number in (8, 3, 42)] == [len(others)] * 3
    assert "Việc khác</h2>" not in shown(OVERVIEW)


def test_every_kind_and_role_has_a_word_on_the_page() -> None:
    assert set(page.KINDS) == set(THINGS)
    assert set(get_args(Kind)) < set(THINGS)
    assert set(page.FEEDBACK) == set(get_args(FeedbackState))
    assert set(page.ROLES) == set(get_args(Role))


def test_feedback_is_counted_by_the_words_of_its_states() -> None:
    text = shown(replace(OVERVIEW, feedback={"accepted": 3, "refused": 1}))
    assert "Đang giải quyết: 3" in text
    assert "Từ chối tiếp nhận: 1" in text
    assert "Phản ánh, kiến nghị của người dân" not in shown(replace(OVERVIEW, feedback={}))


def test_lengths_of_time_are_said_by_their_largest_unit() -> None:
    lengths = [timedelta(seconds=-5), timedelta(minutes=59, seconds=59), timedelta(hours=23), timedelta(days=1200)]
    assert [page.lasting(length) for length in lengths] == ["0 phút", "59 phút", "23 giờ", "1.200 ngày"]


def test_a_bar_shows_shares_of_what_is_open_and_paused() -> None:
    assert page.bar(Counts("1", "", open=8, paused=2, soon=1, overdue=4)) == [("overdue", 0, 40), ("soon", 40, 10)]
    assert page.bar(Counts("1", "")) == [("overdue", 0, 0), ("soon", 0, 0)]


def test_an_sms_beside_a_mail_is_called_one_and_its_reason_speaks_of_numbers() -> None:
    notices = [
        Notice(NOW, "Sở Y tế", "head", channel, 1, "withheld", "no_contact", None)
        for channel in get_args(NoticeChannel)
    ]
    text = shown(replace(OVERVIEW, notices=notices))
    for said in (*page.CHANNELS.values(), "đơn vị chưa có địa chỉ thư", "người đứng đầu chưa có số điện thoại"):
        assert said in text
    assert page.CHANNELS.keys() == set(get_args(NoticeChannel))
