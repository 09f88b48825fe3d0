"""Alerts, their pages and what holds them back agree with one another and with the metrics that there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import shared.metrics  # noqa: F401 - registers every metric of the services
from dondoc.stack import layout

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "deploy" / "prometheus" / "rules"
RUNBOOKS = ROOT / "docs" / "runbooks"


def rules(kind: str) -> dict[str, Any]:
    """Return all rules of a kind, `alert` or `record`, by name."""
    groups = [group for file in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


def without_values(text: str) -> str:
    """Return an alert's text as its page quotes it."""
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"{\1}", re.sub(r"\{\{ \$value[^}]*\}\}", "…", text))


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == rules("alert").keys()
    index = (RUNBOOKS / "README.md").read_text()
    assert pages == set(re.findall(r"\((\w+)\.md\)", index))


@pytest.mark.parametrize("name", rules("alert"))
def test_an_alert_says_how_grave_it_is_what_to_do_and_where_to_read_on(name: str) -> None:
    alert = rules("alert")[name]
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
    page = (ROOT / alert["annotations"]["runbook"]).read_text()
    assert page.startswith(f"# {name}\n\n> {without_values(alert['annotations']['summary'])}\n")
    assert f"Severity {alert['labels']['severity']}" in page
    assert [line for line in page.splitlines() if line.startswith("#")][1:2] == ["## What it means"]
    assert "## How to see" in page
    assert "## How to repair" in page


def test_rules_ask_only_for_metrics_and_records_that_there_are() -> None:
    known = {sample for metric in REGISTRY.collect() for sample in names_of(metric.name, metric.type)}
    asked = set().union(*(re.findall(r"\bdondoc_\w+", rule["expr"]) for rule in rules("alert").values()))
    asked |= set().union(*(re.findall(r"\bdondoc_\w+", rule["expr"]) for rule in rules("record").values()))
    recorded = {name.split(":")[1] for name in rules("record")}
    assert asked - recorded - known == set()
    records = set().union(*(re.findall(r"\w+:\w+:\w+", rule["expr"]) for rule in rules("alert").values()))
    assert records - rules("record").keys() == set()


def names_of(name: str, kind: str) -> list[str]:
    suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
    return [name + suffix for suffix in suffixes.get(kind, [""])]


def test_what_is_held_back_are_alerts() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())
    alerts = rules("alert").keys()
    for rule in config["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            pattern = re.fullmatch(r'alertname=~?"(.+)"', matcher)
            assert pattern
            for one in pattern[1].split("|"):
                assert [name for name in alerts if re.fullmatch(one, name)], one


def test_every_service_is_scraped_at_its_port_and_missed_when_it_is_gone() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    [job] = [job for job in config["scrape_configs"] if job["job_name"] == "dondoc"]
    ports = layout.ports(layout.DEFAULT_PORT_BASE)
    assert {found["names"][0]: found["port"] for found in job["dns_sd_configs"]} == {
        service: ports[service] for service in layout.SERVICES
    }
    missed = re.findall(r'"service", "(\w+)"', rules("record")["service:dondoc_copies:up"]["expr"])
    assert sorted(missed) == sorted(layout.SERVICES)
