"""The same load by Prometheus Alertmanager: alerts grouped by unit, one mail a group.

Its own clock cannot be moved, so its slot is the end of `group_wait`, which begins with a group's first alert: all
groups get one in the first batches, and all else is posted before it ends. What it is asked for is what it can do best:
no resolved mails, no second mail within the run, a template of the same lines as our digest, the same bound of lines.
Its active intervals know weekdays and dates, no order of "new, changed, the rest", and no slot: what they held back
goes with the next `group_interval`.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from bench.ground import PORT_BASE, peak_mb, processor_seconds
from bench.relay import Mail, Relay
from dondoc.stack import layout
from dondoc.stack.processes import end, spawn
from shared.clock import machine_now

PROGRAM = "prometheus-alertmanager"
PORT = PORT_BASE + 31
A_POST = 1000  # alerts of one request
MAX_LINES = 50  # as in our digest
REST = f"{{{{ len (slice .Alerts.Firing {MAX_LINES}) }}}}"
ROW = (
    "{{ .Labels.obligation }} · {{ .Annotations.field }} · {{ .Annotations.procedure }} · hạn {{ .Annotations.due }} · "
    "quá hạn"
)
CELLS = (
    "<tr><td>{{ .Labels.obligation }}</td><td>{{ .Annotations.field }} · {{ .Annotations.procedure }}</td>"
    "<td>{{ .Annotations.due }}</td><td>quá hạn</td></tr>"
)
COUNT = "{{ len .Alerts.Firing }} hồ sơ đang quá hạn"
HEADING = "<tr><th>Mã</th><th>Lĩnh vực · thủ tục</th><th>Hạn</th><th>Tình trạng</th></tr>"


@dataclass(frozen=True)
class Grouped:
    """One run; seconds from the first alert posted. due_s: when `group_wait` of the first group was over."""

    version: str
    posted_s: float
    due_s: float
    first_s: float
    last_s: float
    mails: list[Mail]
    peak_mb: float
    processor_s: float


def is_there() -> bool:
    return shutil.which(PROGRAM) is not None


def configuration(relay: Relay, *, group_wait_s: int) -> str:
    """Return the file, in YAML."""
    text = _lines(f"- {ROW}", more=f"- … và {REST} hồ sơ khác")
    rows = _lines(CELLS, more=f"<tr><td>… và {REST} hồ sơ khác</td></tr>")
    html = f"<p>Kính gửi: {{{{ .CommonAnnotations.head }}}}</p><p>{COUNT}</p><table>{HEADING}{rows}</table>"
    said = f"Kính gửi: {{{{ .CommonAnnotations.head }}}}\n\n{COUNT}\n{text}\n"
    return f"""
global:
  smtp_smarthost: {layout.HOST}:{relay.port}
  smtp_from: dondoc@example.vn
  smtp_hello: localhost
  smtp_require_tls: false
route:
  receiver: heads
  group_by: [unit]
  group_wait: {group_wait_s}s
  group_interval: 1h
  repeat_interval: 24h
receivers:
  - name: heads
    email_configs:
      - to: '{{{{ .CommonAnnotations.email }}}}'
        send_resolved: false
        headers:
          Subject: '[Đôn đốc] {{{{ .CommonAnnotations.name }}}}: {COUNT}'
        html: {_quoted(html)}
        text: {_quoted(said)}
"""


def _lines(line: str, *, more: str) -> str:
    """Return the part of a template that writes at most `MAX_LINES` alerts and counts the rest."""
    many = f"(gt (len .Alerts.Firing) {MAX_LINES})"
    shown = f"slice .Alerts.Firing 0 (or (and {many} {MAX_LINES}) (len .Alerts.Firing))"
    return f"{{{{ range {shown} }}}}\n{line}\n{{{{ end }}}}{{{{ if {many} }}}}{more}{{{{ end }}}}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def alert(number: int, *, heads: int) -> dict[str, object]:
    """Return an obligation as an alert; neighbours are of different units, so that all groups begin at once."""
    unit = number % heads
    return {
        "labels": {
            "alertname": "overdue", "unit": f"H56.{unit:03}", "obligation": f"000.00.{unit:03}.H56-261110-{number:06}",
        },
        "annotations": {
            "email": f"unit{unit:03}@example.vn", "head": f"Chủ tịch UBND xã số {unit}", "name": f"UBND xã số {unit}",
            "field": "Đất đai", "procedure": "1.012753", "due": "07:00 21/11/2026",
        },
        "endsAt": (machine_now() + timedelta(days=1)).isoformat(),
    }  # fmt: skip


def version() -> str:
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    return (said.stdout + said.stderr).split(" (")[0].removeprefix("alertmanager, version ")


@contextmanager
def _alertmanager(data: Path, relay: Relay, *, group_wait_s: int) -> Iterator[int]:
    file = data / "alertmanager.yml"
    file.write_text(configuration(relay, group_wait_s=group_wait_s))
    command = [
        PROGRAM, f"--config.file={file}", f"--storage.path={data / 'alertmanager'}", "--cluster.listen-address=",
        f"--web.listen-address={layout.HOST}:{PORT}", "--log.level=warn",
    ]  # fmt: skip
    process = spawn(command, log=data / "alertmanager.log")
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://{layout.HOST}:{PORT}/-/ready").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"{PROGRAM} does not start: {(data / 'alertmanager.log').read_text()[-500:]}")
        yield process.pid
    finally:
        end(process)


def run(data: Path, relay: Relay, *, obligations: int, heads: int, group_wait_s: int) -> Grouped:
    """Post the alerts, wait for the mails."""
    posts = [
        [alert(number, heads=heads) for number in range(first, min(first + A_POST, obligations))]
        for first in range(0, obligations, A_POST)
    ]
    with (
        _alertmanager(data, relay, group_wait_s=group_wait_s) as pid,
        httpx.Client(base_url=f"http://{layout.HOST}:{PORT}", timeout=60) as client,
    ):
        spent, began = processor_seconds(pid), machine_now().timestamp()
        for post in posts:
            client.post("/api/v2/alerts", json=post).raise_for_status()
        posted_s = machine_now().timestamp() - began
        patience = began + group_wait_s + 300
        while len(relay.mails()) < heads:
            if machine_now().timestamp() > patience:
                raise SystemExit(f"Alertmanager sent {len(relay.mails())} of {heads} mails within 300 s")
            time.sleep(0.1)
        time.sleep(2)  # one too many would come now
        mails = relay.mails()
        return Grouped(
            version(), posted_s, group_wait_s, mails[0].at - began, mails[-1].at - began, mails,
            peak_mb(pid), processor_seconds(pid) - spent,
        )  # fmt: skip
