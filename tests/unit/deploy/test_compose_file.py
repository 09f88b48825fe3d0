"""docker-compose.yml and what lies beside it agree with the code they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dondoc.stack import layout, postgres

ROOT = Path(__file__).resolve().parents[3]
ELSEWHERE = {  # settings that docker-compose.yml does not pass on by their names, and why
    "DONDOC_API_KEY": "a secret",
    "DONDOC_SEAL_KEYS": "a secret",
    "DONDOC_NATS_URL": "a secret",
    "DONDOC_INTAKE_NATS_URL": "a secret: each service has its own as DONDOC_NATS_URL",
    "DONDOC_DATABASE_URL": "a secret",
    "DONDOC_INTAKE_DATABASE_URL": "a secret, of the migration",
    "DONDOC_INTAKE_SIGNING_KEY": "a secret",
    "DONDOC_COMPLAINTS_IDENTITY_KEYS": "a secret",
    "DONDOC_NOTIFY_SMTP_PASSWORD": "a secret",
    "DONDOC_NOTIFY_SMS_PASSWORD": "a secret",
    "DONDOC_NOTIFY_LINK_KEYS": "a secret",
    "DONDOC_NOTIFY_RECEIPTS_KEY": "a secret",
    "DONDOC_DATA": "the containers keep nothing of their own",
    "DONDOC_SECRETS": "for Compose itself",
    "DONDOC_INTAKE_PORT": "for Compose itself",
    "DONDOC_CONSOLE_PORT": "for Compose itself",
    "DONDOC_COMPLAINTS_PORT": "for Compose itself",
    "DONDOC_NOTIFY_PORT": "for Compose itself",
    "DONDOC_MAILBOX_PORT": "for Compose itself",
    "DONDOC_BRIDGE_CONFIG": "for Compose itself",
    "DONDOC_IMAGE": "for Compose itself",
    "DONDOC_BASE": "for Compose itself",
    "DONDOC_ALERTS_TO": "for Alertmanager",
    "DONDOC_GRAFANA_PORT": "for Compose itself",
    "DONDOC_PROMETHEUS_IMAGE": "for Compose itself",
    "DONDOC_ALERTMANAGER_IMAGE": "for Compose itself",
    "DONDOC_GRAFANA_IMAGE": "for Compose itself",
    "DONDOC_NATS_EXPORTER_IMAGE": "for Compose itself",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_every_service_has_its_own_port_and_knows_the_others(compose: dict[str, Any]) -> None:
    for service in layout.SERVICES:
        environment = compose["services"][service]["environment"]
        port = layout.ports(layout.DEFAULT_PORT_BASE)[service]
        assert environment["DONDOC_HTTP_PORT"] == port
        for other in layout.SERVICES:
            assert (
                compose["services"][other]["environment"][f"DONDOC_{service.upper()}_URL"] == f"http://{service}:{port}"
            )


def test_each_program_gets_its_own_login_and_no_other(compose: dict[str, Any]) -> None:
    logins = {service: service for service in layout.SERVICES} | {"dondoc": layout.OPERATOR}
    for program, login in logins.items():
        given = compose["services"][program]["secrets"]
        names = [secret if isinstance(secret, str) else secret["source"] for secret in given]
        assert [name for name in names if "nats" in name] == [f"{login}_nats_url", "nats_ca.pem"]


def test_the_keys_of_identities_and_the_attachments_are_given_to_complaints_alone(compose: dict[str, Any]) -> None:
    for name, program in compose["services"].items():
        secrets = [one if isinstance(one, str) else one["source"] for one in program.get("secrets", ())]
        volumes = [one.partition(":")[0] for one in program.get("volumes", ())]
        assert ("complaints_identity_keys" in secrets) == ("attachments" in volumes) == (name == "complaints")
        assert "DONDOC_COMPLAINTS_IDENTITY_KEYS" not in program.get("environment", {})


def test_every_setting_reaches_its_service(compose: dict[str, Any]) -> None:
    known = set(re.findall(r"^(?:# )?(DONDOC_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    given = {service: set(compose["services"][service]["environment"]) for service in layout.SERVICES}
    assert known - set().union(*given.values()) == ELSEWHERE.keys()
    for name in known - ELSEWHERE.keys():
        owners = [service for service in layout.SERVICES if name.startswith(f"DONDOC_{service.upper()}_")]
        assert all(name in given[service] for service in owners or layout.SERVICES), name


def test_postgresql_is_set_in_containers_as_on_one_machine() -> None:
    text = (ROOT / "deploy" / "postgres" / "postgresql.conf").read_text()
    there = dict(re.findall(r"^(\w+) = '?([^'#]*?)'?(?: *#.*)?$", text, re.MULTILINE))
    here = {name: str(value) for name, value in postgres._SETTINGS.items()}
    for of_the_machine in ("listen_addresses", "unix_socket_directories"):
        there.pop(of_the_machine, None)
        here.pop(of_the_machine)
    assert there == here


def test_nats_writes_each_message_to_disk_before_it_is_acknowledged() -> None:
    assert re.search(r"^ +sync_interval: always", (ROOT / "deploy" / "nats" / "nats.conf").read_text(), re.MULTILINE)
