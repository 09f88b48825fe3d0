"""Prometheus and Alertmanager on loopback, on the files that operators run, with faster time where a test asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dondoc.stack.processes import end, last_lines, spawn
from tests.servers import ROOT, free_port

DEPLOY = ROOT / "deploy"
FASTER = 60  # a minute of the rules is a second
SECONDS = {"s": 1, "m": 60, "h": 3600}
# Bounds that are no durations, and what stands for them in a fast test.
BOUNDS = {
    "dondoc_outbox_oldest_seconds:max > 60": "dondoc_outbox_oldest_seconds:max > 2",
    "(dondoc_timer_lag_seconds) > 120": "(dondoc_timer_lag_seconds) > 2",
    "(dondoc_notices_oldest_seconds) > 1800": "(dondoc_notices_oldest_seconds) > 5",
}


def fast(rules: str) -> str:
    """Return rules in which minutes are seconds; what looks back for days is left as it is."""

    def shorter(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * SECONDS[found[3]] * 1000 // FASTER}ms{found[4]}"

    rules = re.sub(r"(\[|for: |interval: |offset )(\d+)([smh])(\b)", shorter, rules)
    for bound, smaller in BOUNDS.items():
        rules = rules.replace(bound, smaller)
    return rules


@dataclass(frozen=True)
class Prometheus:
    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples that an expression has now."""
        asked = urllib.parse.urlencode({"query": expression})
        found: list[dict[str, Any]] = get(f"{self.url}/api/v1/query?{asked}")["data"]["result"]
        return found

    def firing(self) -> set[tuple[str, str]]:
        """Return the alerts that fire now: name, and what it is about (service, stream, channel, source or nothing)."""
        return {
            (alert["labels"]["alertname"], about(alert["labels"]))
            for alert in get(f"{self.url}/api/v1/alerts")["data"]["alerts"]
            if alert["state"] == "firing"
        }


def about(labels: Mapping[str, str]) -> str:
    named = (labels.get(name, "") for name in ("service", "stream", "channel", "source"))
    return "/".join(name for name in named if name)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


@contextmanager
def prometheus(
    folder: Path, *, services: Mapping[str, str], alertmanager: str = "", faster: bool = False
) -> Iterator[Prometheus]:
    """Run Prometheus on deploy/prometheus. services: the address of each. alertmanager: host and port of one."""
    folder.mkdir()
    port = free_port()
    rules = folder / "rules"
    rules.mkdir()
    for file in sorted((DEPLOY / "prometheus" / "rules").glob("*.yml")):
        (rules / file.name).write_text(fast(file.read_text()) if faster else file.read_text())
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]} if alertmanager else {}
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "dondoc"]
    del job["dns_sd_configs"]  # there is no such DNS here; the names are given as it would give them
    job["static_configs"] = [
        {"targets": [url.removeprefix("http://")], "labels": {"__meta_dns_name": name}}
        for name, url in services.items()
    ]
    config["scrape_configs"] = [job]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    url = f"http://127.0.0.1:{port}"
    with _process(command, log=folder / "prometheus.log", ready=f"{url}/-/ready"):
        yield Prometheus(url)


@contextmanager
def alertmanager(folder: Path, *, mail_to: str, smtp_port: int) -> Iterator[str]:
    """Run Alertmanager as its container does, by start.sh on deploy/alertmanager; yields its host and port."""
    folder.mkdir()
    port = free_port()
    hasty = folder / "files"
    hasty.mkdir()
    for file in (DEPLOY / "alertmanager").iterdir():
        text = file.read_text().replace("group_wait: 30s", "group_wait: 500ms")
        (hasty / file.name).write_text(text.replace("group_interval: 5m", "group_interval: 2s"))
    environment = {
        **os.environ,
        "DONDOC_ALERTS_FOLDER": str(hasty),
        "DONDOC_ALERTS_CONFIG": str(folder / "alertmanager.yml"),
        "DONDOC_ALERTS_PROGRAM": "prometheus-alertmanager",
        "DONDOC_ALERTS_TO": mail_to,
        "DONDOC_NOTIFY_SMTP_HOST": "127.0.0.1",
        "DONDOC_NOTIFY_SMTP_PORT": str(smtp_port),
        "DONDOC_NOTIFY_SENDER": "Đôn đốc <dondoc@example.vn>",
    }
    at = f"127.0.0.1:{port}"
    command = [
        "sh",
        str(DEPLOY / "alertmanager" / "start.sh"),
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={at}",
        "--cluster.listen-address=",
    ]
    with _process(command, log=folder / "alertmanager.log", ready=f"http://{at}/-/ready", environment=environment):
        yield at


@contextmanager
def _process(
    command: list[str], *, log: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = spawn(command, log=log, env=environment)
    try:
        until = time.monotonic() + 30
        while not _answers(ready):
            assert process.poll() is None, last_lines(log, 5)
            assert time.monotonic() < until, last_lines(log, 5)
            time.sleep(0.1)
        yield process
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
