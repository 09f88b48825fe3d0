"""Connections of HTTP clients that do not get on with it: given up before they hold what others need."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 10.0  # from the first byte, or the connection, until a request's headers are whole


class PatientProtocol(H11Protocol):
    """uvicorn's own, which waits for ever for headers. How long a body may take, `shared.bodies` says."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Give up later, unless a request is in hand; it has begun to run already where one was half there before."""
        if self._in_hand():
            self._rest()
        elif self._giving_up is None:
            self._giving_up = self.loop.call_later(HEADERS_S, self._give_up)

    def _in_hand(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _give_up(self) -> None:
        self._giving_up = None
        if not self._in_hand():
            self.transport.close()

    def _rest(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
