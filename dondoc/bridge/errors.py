"""What can go wrong between the portal and intake, by what helps."""

from __future__ import annotations


class BridgeError(Exception):
    """Something failed; the message is one line and repeats no value of a dossier, no secret."""


class NotNowError(BridgeError):
    """The other side does not answer rightly now: the same again later may help. after_s: it asked for that wait."""

    def __init__(self, message: str, *, after_s: float = 0) -> None:
        super().__init__(message)
        self.after_s = after_s


class RefusedError(BridgeError):
    """A login, a key or a certificate is refused: somebody must look. after_s: until it makes sense to ask again."""

    def __init__(self, message: str, *, after_s: float = 60) -> None:
        super().__init__(message)
        self.after_s = after_s
