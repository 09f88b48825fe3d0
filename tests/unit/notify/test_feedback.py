"""What is owed in a citizen's feedback has its words and its ladders; of what is confidential only the code is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.notify.addressing.directory import directory
from services.notify.policies.file import CARRIED, load, read
from services.notify.policies.odd import odd
from services.notify.policies.policy import part_of
from services.notify.receipts.letter import _row as letter_row
from services.notify.telling import digest, entries, why
from services.notify.telling.digest import Rendered
from services.notify.telling.entries import Entry, Head, sections
from services.notify.telling.sms_text import counts
from services.notify.telling.wording import about, matter, settled_text
from services.notify.trying.trial import Trial
from shared.events import ObligationChanged
from shared.rule_files import RuleFileError
from tests.unit.notify.given import RULES, at, obligation, unit

NOW = at("2026-11-25 07:30")
KINDS = ("khiếu nại", "tố cáo", "phản ánh", "kiến nghị")


def owed(part: str = "", code: str = "PA-7K3M-9XQ2-4HRT", **changes: Any) -> ObligationChanged:
    own = f"answer/{code}"
    named = {"obligation_id": f"{own}/{part}", "parent": own} if part else {"obligation_id": own, "parent": None}
    fixed = {"kind": "answer", "subject_id": code, "source": "complaints", "procedure": None, "field": None}
    return obligation(**{**fixed, **named, **changes})


def hidden(part: str = "settlement", **changes: Any) -> ObligationChanged:
    return owed(part, "PA-2222-2222-2222", confidential=True, **changes)


def entry(of: ObligationChanged, **changes: Any) -> Entry:
    given: dict[str, Any] = {"role": "head", "level": 1, "news": "new", "told": -1, "revision": 1, "resolved": "H56.12"}
    given |= {"obligation_id": of.obligation_id, "due_at": of.due_at, "kind": of.kind, "backlog": False}
    return Entry(**(given | {"confidential": of.confidential} | changes))


def mail(*found: ObligationChanged) -> Rendered:
    told = [entry(of) for of in found]
    return digest.render(
        sections(entries.merged(told), max_lines=50),
        head=Head("H56.12", unit("H56.12")),
        overdue=len(found),
        kinds={one.spoken for one in told},
        known={of.obligation_id: of for of in found},
        names={},
        reach={},
        slot=NOW,
        at=NOW,
        policy=RULES.policy,
        calendar=RULES.calendar,
        reasons=why.of(told, stands_in=False),
    )


def test_a_digest_says_what_is_owed_in_a_feedback() -> None:
    late = (
        owed(title="trả lời phản ánh, kiến nghị", field="Đất đai"),
        owed("acceptance", "PA-3333-3333-3333", title="thụ lý khiếu nại"),
        owed("settlement", "PA-4444-4444-4444", title="giải quyết khiếu nại"),
    )
    said = mail(*late)
    assert "3 việc đang quá hạn" in said.subject
    assert "- PA-7K3M-9XQ2-4HRT · trả lời phản ánh, kiến nghị · Đất đai · hạn 16:00 20/11/2026" in said.text
    assert "- PA-3333-3333-3333 · thụ lý khiếu nại · hạn" in said.text
    assert "- PA-4444-4444-4444 · giải quyết khiếu nại · hạn" in said.text
    assert "1 phản ánh, kiến nghị đang quá hạn" in mail(late[0]).subject
    assert "- PA-7K3M-9XQ2-4HRT · trả lời phản ánh, kiến nghị · Đất đai" in mail(late[0]).text
    assert "1 việc đang quá hạn" in mail(late[2]).subject
    assert "phản ánh, kiến nghị · hạn" in mail(owed(), obligation()).text  # one said before terms were


@pytest.mark.parametrize("part", ["", "screening", "acceptance", "settlement", "publication"])
def test_of_what_is_confidential_only_the_code_is_said(part: str) -> None:
    late = hidden(part, field="Đất đai", title="giải quyết tố cáo")  # even if more were known
    said = mail(late)
    for text in (said.subject, said.text, said.html, about(late), matter(late)):
        assert not [word for word in (*KINDS, "Đất đai", "thụ lý", "trả lời phản") if word in text]
    assert "- PA-2222-2222-2222 · vụ việc thuộc diện bảo mật · hạn 16:00 20/11/2026" in said.text
    assert letter_row(late, at=NOW, calendar=RULES.calendar)["about"] == "vụ việc thuộc diện bảo mật"
    ended = hidden(part, state="ended", end="answered", ended_at=at("2026-11-23 10:00"))
    assert settled_text(ended, calendar=RULES.calendar).startswith("đã kết thúc lúc 10:00 23/11/2026")
    parts = sections([entry(late)], max_lines=50)
    sms = counts(parts, name="Sở", overdue=1, slot=NOW, calendar=RULES.calendar)
    assert sms.startswith("Don doc - So: 1 viec qua han (1 moi).")


def test_an_end_and_an_extension_have_the_words_of_what_was_owed() -> None:
    ended: dict[str, Any] = {"state": "ended", "end": "answered", "ended_at": at("2026-11-20 10:00")}
    words = {"": "đã trả lời", "acceptance": "đã thụ lý", "settlement": "đã giải quyết", "publication": "đã công khai"}
    for part, said in words.items():
        assert settled_text(owed(part, **ended), calendar=RULES.calendar).startswith(f"{said} lúc")
    refused = owed("screening", **{**ended, "end": "refused"})
    assert settled_text(refused, calendar=RULES.calendar).startswith("đã từ chối tiếp nhận")
    extended = owed("settlement", due_at=at("2026-12-04 16:00"), flags=("extended",))
    assert settled_text(extended, calendar=RULES.calendar) == "được gia hạn đến 16:00 04/12/2026"


def test_each_part_of_a_feedback_has_the_ladder_that_names_it() -> None:
    policy = RULES.policy
    parts = ("screening", "acceptance", "", "settlement", "publication")
    ladders = {part: policy.ladder_of(owed(part)) for part in parts}
    named = {part: ladder.where.part if ladder.where else () for part, ladder in ladders.items()}
    assert named == {
        "screening": ("screening",),
        "acceptance": (),
        "": (),
        "settlement": ("settlement",),
        "publication": ("publication",),
    }
    assert part_of("answer/PA-1", kind="answer") == "answer"
    assert part_of("dossier/PA-1/screening", kind="dossier") is None
    assert odd(load(None)) == []


def test_a_part_is_named_where_there_are_parts_and_is_one_that_there_is() -> None:
    whole = CARRIED.read_text("utf-8")
    ladder = "levels: [{level: 1, tell: [head, superior]}]"
    steps = f"  step:\n    - where: {{part: [answer]}}\n      {ladder}\n    - {ladder}\n"
    text = whole[: whole.index("  step:")] + steps + whole[whole.index("  pause:") :]
    assert [fault.why for fault in odd(read(text))] == ["never reached: only what is owed in a feedback has parts"]
    with pytest.raises(RuleFileError, match=r"ladders\.answer\.0\.where\.part\.0"):
        read(whole.replace("part: [screening]", "part: [sceening]"))


def test_a_dry_run_presses_for_terms_and_names_no_code_of_what_is_confidential() -> None:
    trial = Trial(
        RULES,
        directory([unit("TH-SNV"), unit("H56.12")], province="H56", oversight="TH-SNV"),
        since=at("2026-11-20 00:00"),
        until=at("2026-12-01 00:00"),
    )
    for of in (owed("acceptance", title="thụ lý khiếu nại"), hidden()):
        trial.take(of, at=at("2026-11-10 09:01"))
    trial.move_to(at("2026-11-24 00:00") + timedelta(days=2))
    late = [notice for notice in trial.notices if notice.levels]
    assert [(notice.post, notice.items, notice.levels[1]) for notice in late[:1]] == [("H56.12", 2, 2)]
    assert late[0].first == ("PA-7K3M-9XQ2-4HRT",)
