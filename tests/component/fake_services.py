"""Run the supervisor with tiny programs in place of the services: `python -m tests.component.fake_services`."""

import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from dondoc.stack import layout, supervisor
from dondoc.stack.errors import StackError


class Ready(BaseHTTPRequestHandler):
    """Answers 200 to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is worth a line."""


def serve() -> None:
    """Be ready until asked to stop, then say so in the log."""
    if why := os.environ.get("FAKE_BROKEN"):
        sys.exit(why)
    server = HTTPServer((os.environ["DONDOC_HTTP_HOST"], int(os.environ["DONDOC_HTTP_PORT"])), Ready)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()
    sys.stdout.write("finished what was in flight\n")


def supervise(data: str, port_base: str) -> None:
    """Run the stack with fakes."""
    fake = (sys.executable, "-m", "tests.component.fake_services")
    commands = dict.fromkeys(layout.SERVICES, fake)
    plan = supervisor.Plan(
        data=Path(data), port_base=int(port_base), commands=commands, migrate=(sys.executable, "-c", "")
    )
    try:
        supervisor.run(plan)
    except StackError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        supervise(*sys.argv[1:])
    else:
        serve()
