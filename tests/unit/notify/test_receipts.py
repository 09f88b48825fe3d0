"""Receipts: the same end in any order, and what each gateway's call means."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.policies.awaiting import Awaited
from services.notify.receipts import api, callbacks, hearing, states, store, tokens
from services.notify.receipts.bounces import Bounce
from services.notify.receipts.states import Standing, after, meaning
from services.notify.sending import gateways
from services.notify.sending.outcomes import GiveUp, Sent
from services.notify.settings import NotifySettings
from tests.unit.notify.given import at

NOON = at("2026-11-23 12:00")
SAYINGS = st.builds(
    Standing,
    st.sampled_from(list(states.RANKS)),
    st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    st.sampled_from(["", "5.1.1", "state=2"]),
)


def ended(said: list[Standing]) -> Standing:
    stands = Standing()
    for one in said:
        stands = after(stands, one)
    return stands


@given(said=st.lists(SAYINGS, max_size=8), data=st.data())
def test_any_order_and_any_repeats_of_receipts_give_the_same_end(said: list[Standing], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=5)) if said else []
    assert ended(data.draw(st.permutations(said + again))) == ended(said)


def test_what_was_delivered_stays_so_whatever_is_said_after() -> None:
    delivered = Standing("delivered", NOON)
    for receipt in states.RANKS:
        assert after(delivered, Standing(receipt, NOON + timedelta(hours=1))) == delivered


def test_a_late_receipt_stands_over_our_own_patience() -> None:
    expired = Standing("expired", NOON)
    assert after(expired, Standing("pending", NOON)).receipt == "expired"
    assert after(expired, Standing("failed", NOON)).receipt == "failed"
    assert after(expired, Standing("delivered", NOON)).receipt == "delivered"


def test_of_two_deliveries_the_first_counts() -> None:
    later = Standing("delivered", NOON + timedelta(minutes=1))
    assert after(later, Standing("delivered", NOON)).at == NOON


@pytest.mark.parametrize(
    ("word", "receipt"),
    [("DELIVRD", "delivered"), ("UNDELIV", "failed"), ("EXPIRED", "failed"), ("ACCEPTD", "pending"), ("?", "unknown")],
)
def test_the_words_of_smpp_have_our_meanings(word: str, receipt: str) -> None:
    assert meaning(word) == receipt


@pytest.mark.parametrize("off", [timedelta(days=-400), timedelta(minutes=1), timedelta(days=9)])
def test_a_time_that_cannot_be_is_replaced_by_ours(off: timedelta) -> None:
    assert states.said_at(NOON + off, heard_at=NOON) == NOON
    assert states.said_at(NOON - timedelta(hours=1), heard_at=NOON) == NOON - timedelta(hours=1)


ESMS = {"SMSID": "dc71", "RequestId": "n1", "TypeId": "2", "phonenumber": "0900000123", "SendFailed": "0"}


@pytest.mark.parametrize(
    ("gateway", "given", "state", "notice_id", "reference"),
    [
        ("kannel", {"id": "n1", "state": "1", "time": "1795487400"}, "delivered", "n1", ""),
        ("kannel", {"id": "n1", "state": "2"}, "failed", "n1", ""),
        ("kannel", {"id": "n1", "state": "16"}, "failed", "n1", ""),
        ("kannel", {"id": "n1", "state": "8"}, "pending", "n1", ""),
        ("kannel", {"id": "n1", "state": "99"}, "unknown", "n1", ""),
        ("esms", {**ESMS, "SendStatus": "5"}, "delivered", "n1", "dc71"),
        ("esms", {**ESMS, "SendStatus": "5", "SendFailed": "1"}, "failed", "n1", "dc71"),
        ("esms", {**ESMS, "SendStatus": "4"}, "failed", "n1", "dc71"),
        ("esms", {**ESMS, "SendStatus": "7"}, "pending", "n1", "dc71"),
        ("speedsms", {"type": "report", "tranId": "123456", "status": "0"}, "delivered", "", "123456"),
        ("speedsms", {"tranId": "123456", "status": "63"}, "pending", "", "123456"),
        ("speedsms", {"tranId": "123456", "status": "64"}, "failed", "", "123456"),
        ("speedsms", {"tranId": "123456", "status": "-1"}, "unknown", "", "123456"),
    ],
)
def test_each_carried_gateways_call_is_understood(
    gateway: str, given: dict[str, str], state: str, notice_id: str, reference: str
) -> None:
    described = gateways.load(gateway).receipts
    assert described
    told = callbacks.read(described, given)
    assert told
    assert (told.state, told.notice_id, told.reference) == (state, notice_id, reference)
    assert "0900000123" not in told.code


def test_a_call_that_names_no_message_tells_nothing() -> None:
    described = gateways.load("kannel").receipts
    assert described
    assert callbacks.read(described, {"state": "1"}) is None
    assert callbacks.read(described, {"id": "\x00", "state": "1"}) is None


@pytest.mark.parametrize(
    ("value", "said_at"),
    [
        ("1795487400", datetime.fromisoformat("2026-11-24T09:30:00+07:00")),
        ("2026-11-24T02:30:00Z", datetime.fromisoformat("2026-11-24T09:30:00+07:00")),
        ("2026-11-24 09:30:00", datetime.fromisoformat("2026-11-24T09:30:00+07:00")),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_of_gateways_are_read_or_left_out(value: str, said_at: datetime | None) -> None:
    described = gateways.load("kannel").receipts
    assert described
    told = callbacks.read(described, {"id": "n1", "state": "1", "time": value})
    assert told
    assert told.said_at == said_at


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_has_members_or_none(document: Any) -> None:
    for one in callbacks.members(document):
        assert all(isinstance(value, str) for value in one.values())


def test_a_gateways_own_id_is_read_from_its_answer() -> None:
    answers = gateways.load("speedsms").answers
    body = b'{"status": "success", "code": "00", "data": {"tranId": 123456, "totalSMS": 1}}'
    assert gateways.judged(answers, status=200, body=body) == Sent("123456")
    assert gateways.judged(answers, status=200, body=b'{"code": "105"}') == GiveUp(
        "gateway answered '105'", no_such_address=True
    )


def test_a_token_is_of_one_purpose_and_one_name() -> None:
    assert tokens.of_provider("k", "n1") != tokens.of_notice("k", "n1")
    assert tokens.is_right(tokens.of_notice("k", "n1"), tokens.of_notice("k", "n1"))
    assert not tokens.is_right("", tokens.of_notice("", "n1"))  # no key, no token
    assert tokens.of_address("k", "sms", "0900 000 123") == tokens.of_address("k", "sms", "+84900000123")
    assert tokens.of_address("k", "email", "A@example.vn ") == tokens.of_address("k", "email", "a@example.vn")


def test_receipts_are_waited_for_by_channel_and_by_what_a_provider_gives() -> None:
    awaited = Awaited.model_validate({"sms": {"after_minutes": 10}, "providers": {"mute": False, "chatty": True}})
    assert awaited.span("sms", provider="kannel", gives=True) == timedelta(minutes=10)
    assert awaited.span("sms", provider="kannel", gives=False) is None
    assert awaited.span("sms", provider="mute", gives=True) is None
    assert awaited.span("sms", provider="chatty", gives=False) == timedelta(minutes=10)
    assert awaited.span("email", provider="relay", gives=True) is None


def test_the_installations_key_stands_in_for_no_key_of_receipts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DONDOC_API_KEY", "the key of the installation")
    monkeypatch.delenv("DONDOC_NOTIFY_RECEIPTS_KEY", raising=False)
    settings = NotifySettings()
    assert settings.receipts_key.get_secret_value() == ""
    forged = Bounce("n1", "", "failed", "5.1.1", ("a@example.vn",), None)
    [heard] = api.heard_of([forged], settings)
    assert (heard.provider, heard.dead) == (store.UNPROVEN, False)
    assert not hearing._may_be_true(SimpleNamespace(provider=heard.provider, marks=heard.marks), mark="")  # type: ignore[arg-type]
