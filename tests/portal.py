"""A stand-in for a portal that is polled: login, sessions, a queue of what is not acknowledged, and its bad days."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

LISTING, ACK = "LayHoSoThayDoi", "XacNhanHoSo"
PASSWORD = "mật khẩu của cổng"
Answer = tuple[int, bytes]
Fault = Callable[["Portal", dict[str, Any]], Answer | None]


@dataclass
class Portal:
    """The portal's state. faults: each spoils the next call of its service. before_ack: called with what is acked."""

    pending: list[dict[str, Any]] = field(default_factory=list)
    page: int = 4
    sessions: set[str] = field(default_factory=set)
    logins: int = 0
    calls: list[str] = field(default_factory=list)
    acked: list[dict[str, Any]] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    before_ack: Callable[[list[dict[str, Any]]], None] = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def answer(self, path: str, asked: dict[str, Any]) -> Answer:
        if path == "/dang-nhap":
            return self._log_in(asked)
        service = asked.get("service", "")
        self.calls.append(service)
        if asked.get("session") not in self.sessions or asked.get("madonvi") != "000.00.00.H56":
            return ok({"error_code": "-1", "result": []})
        if faults := self.faults.get(service):
            spoiled = faults.pop(0)(self, asked)
            if spoiled:
                return spoiled
        if service == LISTING:
            return ok({"error_code": 0, "result": self.pending[: self.page]})
        if service == ACK:
            return self._take_ack(asked["data"])
        return ok({"error_code": "99"})

    def _log_in(self, asked: dict[str, Any]) -> Answer:
        self.logins += 1
        if (asked.get("username"), asked.get("password")) != ("dondoc", PASSWORD):
            return ok({"session": "", "error_code": "01"})
        self.sessions.add(f"session-{self.logins}")
        return ok({"session": f"session-{self.logins}", "error_code": 0})

    def _take_ack(self, named: list[dict[str, Any]]) -> Answer:
        self.before_ack(named)
        self.acked += named
        self.pending = [one for one in self.pending if not any(name.items() <= one.items() for name in named)]
        return ok({"error_code": "00"})


def ok(document: Any) -> Answer:
    return 200, orjson.dumps(document)


def fine(_: Portal, asked: dict[str, Any]) -> None:
    """This call is answered as it should be."""


def broken(_: Portal, asked: dict[str, Any]) -> Answer:
    return 500, b"<html>\xff</html>"


def half(portal: Portal, asked: dict[str, Any]) -> Answer:
    return 200, orjson.dumps({"error_code": 0, "result": portal.pending})[:-30]


def shapeless(_: Portal, asked: dict[str, Any]) -> Answer:
    return ok({"error_code": 0, "result": "bảo trì"})


def expired(portal: Portal, asked: dict[str, Any]) -> Answer:
    portal.sessions.clear()
    return ok({"error_code": "-1", "result": None})


def doubled(portal: Portal, asked: dict[str, Any]) -> Answer:
    return ok({"error_code": "00", "result": portal.pending * 2})


@contextmanager
def serving(portal: Portal) -> Iterator[Portal]:
    """Serve it on loopback, over real HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with portal.lock:
                status, body = portal.answer(self.path, asked)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is worth a line."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    portal.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
