"""Acts as the demo's citizens and offices over complaints' HTTP, where business time stands."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import httpx

from dondoc.demo.feedback import Feedback, Plan
from dondoc.stack.errors import StackError
from shared.worktime import vietnam, working_days_from

TRIES = 5  # a second apart: a service that died is started again
SUPPLEMENT = "Tôi bổ sung: sự việc vào sáng thứ hai tuần trước, tại bộ phận một cửa."
WORDS: Mapping[str, str] = {
    "request": "Đề nghị Ông/Bà cho biết thời gian, địa điểm xảy ra sự việc.",
    "publication": "Công khai nội dung phản ánh, kiến nghị và kết quả trả lời.",
}


class Filed(NamedTuple):
    """What its sender has of a feedback; both together open it."""

    code: str
    secret: str


class Citizens:
    """Does what a plan says, as `dondoc.drive` lets it.

    officers: sends the installation's key. filed: by the number in the plan. answered: those of `filed` that are.
    """

    def __init__(self, plan: Plan, *, url: str, citizens: httpx.AsyncClient, officers: httpx.AsyncClient) -> None:
        self._feedback, self._acts = plan.feedback, deque(plan.acts)
        self._url, self._citizens, self._officers = f"{url}/v1/complaints", citizens, officers
        self._codes: dict[int, str] = {}
        self.filed: dict[int, Filed] = {}
        self.answered: list[int] = []

    @property
    def next_at(self) -> datetime | None:
        return self._acts[0].at if self._acts else None

    @property
    def shown(self) -> Filed | None:
        """Return one to follow: the first that was answered, else the first that was filed."""
        return next((self.filed[number] for number in (*self.answered, *self.filed)), None)

    @property
    def count(self) -> int:
        """How many there are, those that the portal brought included."""
        return len(self._codes)

    async def act(self, at: datetime) -> None:
        """Do what is due by then. raises: StackError - complaints does not take it."""
        while self._acts and self._acts[0].at <= at:
            act = self._acts.popleft()
            await getattr(self, f"_{act.do}")(self._feedback[act.number])

    async def _bring(self, one: Feedback) -> None:
        assert one.given_at
        filed_at = working_days_from(vietnam(), due=one.given_at, days=-1).isoformat()
        record = {"ref": f"DEMO-{one.number:03}", "text": one.text, "filed_at": filed_at}
        received = {**record, "state": "Tiếp nhận ở địa phương", "unit": one.unit.name, "updated_at": filed_at}
        given = {**record, "state": "PAKN gửi đi đơn vị khác bằng phần mềm riêng", "unit": one.unit.code}
        given["updated_at"] = one.given_at.isoformat()
        told = await self._post(self._officers, "/portal", [received, given])
        self._codes[one.number] = told["records"][-1]["code"]

    async def _file(self, one: Feedback) -> None:
        filing = {"text": one.text, "unit": one.unit.name, "contact": f"nguoigui{one.number:02}@example.vn"}
        told = await self._post(self._citizens, "", filing)
        self._codes[one.number] = told["code"]
        if not one.denounced:
            self.filed[one.number] = Filed(told["code"], told["secret"])

    async def _decide(self, one: Feedback) -> None:
        decision = {"kind": one.kind, "field": one.field, "categories": one.categories, "unit": one.unit.code}
        await self._of(one, "decision", decision)

    async def _ask(self, one: Feedback) -> None:
        await self._of(one, "request", {"text": WORDS["request"]})

    async def _supplement(self, one: Feedback) -> None:
        await self._of(one, "supplement", {"text": SUPPLEMENT, "secret": self.filed[one.number].secret})

    async def _answer(self, one: Feedback) -> None:
        await self._of(one, "answer", {"text": one.answer})
        if one.number in self.filed:
            self.answered.append(one.number)

    async def _publish(self, one: Feedback) -> None:
        # neither names anybody, so both are fit for all as they are
        words = {"text": WORDS["publication"], "question": one.text, "as_sent": True}
        await self._of(one, "publication", words)

    async def _rate(self, one: Feedback) -> None:
        rating = 2 if one.number % 5 == 0 else 4
        await self._of(one, "rating", {"rating": rating, "secret": self.filed[one.number].secret})

    async def _of(self, one: Feedback, act: str, body: dict[str, Any]) -> None:
        client = self._citizens if "secret" in body else self._officers
        await self._post(client, f"/{self._codes[one.number]}/{act}", body)

    async def _post(self, client: httpx.AsyncClient, path: str, body: Any) -> dict[str, Any]:
        for left in reversed(range(TRIES)):
            try:
                answer = await client.post(self._url + path, json=body)
                if answer.status_code < 500 or not left:
                    told: dict[str, Any] = answer.raise_for_status().json()
                    return told
            except httpx.TransportError as error:
                if not left:
                    raise StackError(f"complaints does not answer: {error!r}; see its log") from None
            except httpx.HTTPStatusError as error:
                said = f"{error.response.status_code} {error.response.text[:200]}"
                raise StackError(f"complaints does not take what the demo files: {said}") from None
            await asyncio.sleep(1)
        raise AssertionError("the last try returns or raises")
