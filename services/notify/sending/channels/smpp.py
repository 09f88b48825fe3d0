"""SMS over SMPP 3.4: hands stored notices to a message centre, judges its answers, and passes its receipts on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from aiosmpplib.protocol import DeliverSm, SubmitSm
from aiosmpplib.state import NPI, TON, PhoneNumber, SmppCommandStatus

from services.notify.addressing import numbers
from services.notify.sending.channels.smpp_line import Line, bind
from services.notify.sending.mail import Claimed
from services.notify.sending.outcomes import GiveUp, Outcome, Sent, TryLater
from services.notify.sending.providers import Smpp
from shared.clock import PROVINCE_ZONE
from shared.logs import log, told

WHOLE_S = 100  # of one sending; less than the lease it is done under
THROTTLED_S = 5  # a centre that has enough does not say for how long
BUSY = (SmppCommandStatus.ESME_RTHROTTLED, SmppCommandStatus.ESME_RMSGQFUL)
NEVER = (
    SmppCommandStatus.ESME_RINVDSTADR,
    SmppCommandStatus.ESME_RINVMSGLEN,
    SmppCommandStatus.ESME_RINVDSTTON,
    SmppCommandStatus.ESME_RINVDSTNPI,
)
REBIND_S = (1.0, 5.0, 15.0, 60.0)  # the last repeats
RECEIPT, RECEIPTED_ID, MESSAGE_STATE = 0x04, 0x001E, 0x0427  # in esm_class; tags of optional parameters
ID, STATE, DONE = (re.compile(rf"\b{word}:\s*(\w[\w.-]*)", re.I) for word in ("id", "stat", "done date"))
WORDS = ("", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")  # by message_state
STATES = {"DELIVRD": "delivered", "ENROUTE": "pending", "ACCEPTD": "pending"} | dict.fromkeys(
    ("EXPIRED", "DELETED", "UNDELIV", "REJECTD"), "failed"
)

# reference, state (delivered, failed, pending or unknown), when the centre says that was, the centre's own word
OnReceipt = Callable[[str, str, datetime | None, str], Awaitable[None]]


@dataclass
class Centre:
    """One message centre, and the line to it, which stays open: receipts come over it."""

    provider: Smpp
    password: str
    on_receipt: OnReceipt | None = None
    _line: Line | None = None

    def __post_init__(self) -> None:
        self._binding = asyncio.Lock()

    async def send(self, notice: Claimed) -> Outcome:
        """Hand one SMS over. The centre has no word for "the same again": who asked twice is told twice."""
        to = numbers.number(notice.recipient)
        if to is None:
            return GiveUp("the number is no Vietnamese one", no_such_address=True)
        asked = False
        try:
            question = _question(self.provider.sender, to, notice.text_body)
            async with asyncio.timeout(WHOLE_S):
                line = await self._bound()
                asked = True
                answer = await line.ask(question)
        except (OSError, TimeoutError, ValueError, LookupError) as error:
            return TryLater(type(error).__name__, unsure=asked)
        return _judged(answer.status, answer.word)

    async def _bound(self) -> Line:
        async with self._binding:
            if self._line is None or not self._line.up:
                self._line = await bind(self.provider, password=self.password, hear=self._hear)
            return self._line

    async def keep(self) -> None:
        """Stay bound for ever, so that receipts arrive when nothing is sent, too."""
        failed = 0
        while True:
            try:
                line = await self._bound()
                failed = 0
                await line.lost()
            except (OSError, TimeoutError, ValueError) as error:
                log.warning("smpp_not_bound", provider=self.provider.name, error=told(error))
            await asyncio.sleep(REBIND_S[min(failed, len(REBIND_S) - 1)])
            failed += 1

    async def _hear(self, said: DeliverSm) -> None:
        """Pass a receipt on; answered only once it is kept. What people write back is not for us."""
        if said.esm_class & 0x3C != RECEIPT or self.on_receipt is None:
            return
        reference, word, at = receipt(said.short_message, {one.tag: one.value for one in said.optional_params or ()})
        if reference:
            await self.on_receipt(reference, STATES.get(word, "unknown"), at, word)

    async def close(self) -> None:
        if self._line is not None:
            await self._line.close()


def _question(sender: str, to: str, text: str) -> SubmitSm:
    """Return the message: in the centre's own alphabet, with a receipt wanted."""
    ton = TON.UNKNOWN if sender.isdigit() else TON.ALPHANUMERIC
    return SubmitSm(
        short_message=text,
        source=PhoneNumber(sender, ton, NPI.UNKNOWN),
        destination=PhoneNumber(to, TON.INTERNATIONAL, NPI.ISDN),
        registered_delivery=1,
        log_id="",
    )


def _judged(status: int, reference: str) -> Outcome:
    if status == SmppCommandStatus.ESME_ROK:
        return Sent(reference)
    said = f"centre answered 0x{status:02X}"
    if status in BUSY:
        return TryLater(said, THROTTLED_S)
    if status in NEVER:
        return GiveUp(said, no_such_address=status == SmppCommandStatus.ESME_RINVDSTADR)
    return TryLater(said)


def receipt(text: str, tags: dict[int, int | str | bool]) -> tuple[str, str, datetime | None]:
    """Return the reference, the state's word and the time of a receipt; the optional parameters go before the text.

    source: SMPP 3.4, appendix B, which calls the text's format typical and no more.
    """
    found = ID.search(text)
    reference = str(tags.get(RECEIPTED_ID, "")).strip("\0") or (found[1] if found else "")
    number = tags.get(MESSAGE_STATE)
    said = STATE.search(text)
    if isinstance(number, int) and 0 < number < len(WORDS):
        word = WORDS[number]
    else:
        word = said[1].upper()[:7] if said else "UNKNOWN"
    done = DONE.search(text)
    return reference, word, _time(done[1]) if done else None


def _time(raw: str) -> datetime | None:
    """Return when that was, of the centre's own clock; seconds are left out by some."""
    shape = "%y%m%d%H%M%S" if len(raw) == len("YYMMDDhhmmss") else "%y%m%d%H%M"
    try:
        return datetime.strptime(raw, shape).replace(tzinfo=PROVINCE_ZONE)
    except ValueError:
        return None
