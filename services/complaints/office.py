"""What complaints seals and decides with: one for a process, made from its settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from services.complaints.case import Case
from services.complaints.rules import policy as rules_policy
from services.complaints.rules import routes as rules_routes
from services.complaints.rules.policy import FeedbackPolicy, Policies
from services.complaints.rules.routes import Routes
from services.complaints.secrecy.configured import envelope_of, vault_of
from services.complaints.secrecy.envelope import Envelope, SealError
from services.complaints.secrecy.vault import Vault
from services.complaints.settings import Settings
from services.complaints.store import Feedback
from services.complaints.suggesting.model import Model, load
from shared.clock import PROVINCE_ZONE

WORDS = ("text", "unit", "place", "dossier")  # what is under seal of a sealed feedback


@dataclass(frozen=True, slots=True)
class Office:
    """envelope: seals. vault: keeps attachments. policies, routes: dated. model: suggests.

    pepper: of digests; None: it is sealed under a missing key.
    """

    settings: Settings
    envelope: Envelope
    vault: Vault
    policies: Policies
    routes: Routes
    model: Model
    pepper: bytes | None

    def policy(self, at: datetime) -> FeedbackPolicy:
        """Return the rules in force."""
        return self.policies.on(at.astimezone(PROVINCE_ZONE).date())

    def sealed(self, code: str, words: dict[str, str | None]) -> bytes:
        return self.envelope.seal(orjson.dumps(words), about=f"{code}/words")

    def words(self, feedback: Feedback) -> dict[str, str | None]:
        """Return what was written and about what, out of its seal where it has one."""
        if feedback.sealed is None:
            return {name: getattr(feedback, name) for name in WORDS}
        found: dict[str, str | None] = orjson.loads(
            self.envelope.open(feedback.sealed, about=f"{feedback.case.code}/words")
        )
        return found

    def answer(self, feedback: Feedback) -> str | None:
        if feedback.sealed_answer is None:
            return feedback.answer
        return self.envelope.open(feedback.sealed_answer, about=f"{feedback.case.code}/answer").decode()

    def note(self, code: str, revision: int, words: str | None, *, kept: bool) -> bytes | None:
        """Return the note of a step under seal. kept: the matter was restricted; this is not opened with it."""
        return self.envelope.seal(words.encode(), about=f"{code}/{_drawer(kept)}/{revision}") if words else None

    def note_of(self, code: str, revision: int, note: bytes | None, *, kept: bool = True) -> str | None:
        """Return a note. kept: for eyes that may read also what was noted while the matter was restricted."""
        if note is None:
            return None
        try:
            return self.envelope.open(note, about=f"{code}/{_drawer(False)}/{revision}").decode()
        except SealError:
            return self.envelope.open(note, about=f"{code}/{_drawer(True)}/{revision}").decode() if kept else None

    def dressed(self, feedback: Feedback, case: Case, *, answer: str | None = None) -> dict[str, object]:
        """Return the columns that hold words, under seal or in the open as the case after an act is.

        answer: a new one, else what there was.
        """
        words, said = self.words(feedback), answer if answer is not None else self.answer(feedback)
        if case.sealed:
            sealed_answer = self.envelope.seal(said.encode(), about=f"{case.code}/answer") if said is not None else None
            return {
                **dict.fromkeys((*WORDS, "procedure")),
                "sealed": self.sealed(case.code, words),
                "answer": None,
                "sealed_answer": sealed_answer,
            }
        return {**words, "sealed": None, "answer": said, "sealed_answer": None}


def _drawer(kept: bool) -> str:
    return "kept" if kept else "step"


def office_of(settings: Settings, pepper: bytes | None) -> Office:
    """Return the office of a service. raises: KeysError, RuleError - a key, a policy or a route cannot be used."""
    envelope = envelope_of(settings)
    return Office(
        settings=settings,
        envelope=envelope,
        vault=vault_of(settings),
        policies=rules_policy.load(settings.complaints_policy),
        routes=rules_routes.load(settings.complaints_routes),
        model=load(),
        pepper=pepper,
    )
