"""The file of providers: what it may say, and on which line it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from services.notify import cli
from services.notify.sending import ways
from services.notify.sending.providers import Http, ProviderError, Smpp, Smtp, Webhook, read
from services.notify.sending.traffic import Traffic
from services.notify.settings import NotifySettings

FILE = """\
providers:
  - name: relay-a
    channel: email
    kind: smtp
    host: mail.example.vn
    login: {user: dondoc, secret: relay-a}
    share: 3
  - name: centre
    channel: sms
    kind: smpp
    host: smpp.example.vn
    login: {user: dondoc, secret: centre}
  - name: esms
    channel: sms
    kind: http
    gateway: esms
    login: {user: key, secret: esms}
    per_number_hour: 3
  - name: province
    channel: webhook
    kind: webhook
    url: https://hook.example.vn/dondoc
    secret: hook
"""
SECRETS = {f"DONDOC_NOTIFY_SECRET_{name}": "s" for name in ("RELAY_A", "CENTRE", "ESMS", "HOOK")}


def test_a_file_names_any_number_of_providers_of_every_kind() -> None:
    found = read(FILE).providers
    assert [type(one) for one in found] == [Smtp, Smpp, Http, Webhook]
    relay = found[0]
    assert isinstance(relay, Smtp)
    assert (relay.tls, relay.port, relay.share) == ("starttls", 587, 3)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("host: mail.example.vn", "host: ''", "line 5: providers.0.smtp.host: is required and is empty"),
        ("    host: mail.example.vn\n", "", "line 2: providers.0.smtp.host: is required and is not there"),
        ("kind: smpp", "kind: fax", "line 8: providers.1: Input tag 'fax'"),
        ("    kind: smpp\n", "", "line 8: providers.1: kind is required: smtp, http, smpp or webhook"),
        ("share: 3", "share: 0", "line 7: providers.0.smtp.share: Input should be greater"),
        ("name: centre", "name: esms", "line 1: providers: providers: each needs a name of its own, esms"),
        ("gateway: esms", "gateway: nobody", "line 16: providers.2.http.gateway: there is no gateway"),
        ("https://hook", "ftp://hook", "line 22: providers.3.webhook.url: give an address"),
        ("https://hook", "https://me:pw@hook", "line 22: providers.3.webhook.url: an address holds no"),
        ("secret: relay-a}", "secret: relay-a, password: x}", "line 6: providers.0.smtp.login.password: is no setting"),
        ("channel: email", "channel: sms", "line 3: providers.0.smtp.channel: Input should be 'email'"),
        (
            "host: smpp.example.vn\n    login: {user: dondoc,",
            "host: smpp.example.vn\n    login: {user: dondoc-so-nong-ng,",
            "line 12: providers.1.smpp.login: user: SMPP carries 15 letters at most",
        ),
        ("providers:\n", "provider:\n", "line 1: provider"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, told: str) -> None:
    assert old in FILE
    with pytest.raises(ProviderError) as error:
        read(FILE.replace(old, new, 1))
    assert told in str(error.value)


def test_every_fault_is_told_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(ProviderError) as error:
        read(FILE.replace("share: 3", "share: 0").replace("kind: smpp", "kind: fax"))
    assert [line.partition(":")[0] for line in str(error.value).splitlines()] == ["line 7", "line 8"]


@pytest.mark.parametrize("text", ["a: [", "", "- 1", "42"])
def test_what_is_no_file_of_providers_is_refused(text: str) -> None:
    with pytest.raises(ProviderError):
        read(text)


def traffic(folder: Path, **how: str) -> Traffic:
    path = folder / "providers.yaml"
    path.write_text(FILE)
    return ways.traffic(NotifySettings(providers=path, **how))  # type: ignore[arg-type]


def test_a_secret_comes_from_the_environment_or_a_file_and_a_missing_one_is_named(tmp_path: Path) -> None:
    [_, _, _, hook] = read(FILE).providers
    path = tmp_path / "providers.yaml"
    path.write_text(FILE)
    settings = NotifySettings(providers=path)
    assert ways.secret_of(hook, settings, {"DONDOC_NOTIFY_SECRET_HOOK": "a"}, None) == "a"
    (tmp_path / "dondoc_notify_secret_hook").write_text("b\n")
    assert ways.secret_of(hook, settings, {}, tmp_path) == "b"
    with pytest.raises(ProviderError, match="province: its secret is missing: set DONDOC_NOTIFY_SECRET_HOOK"):
        ways.secret_of(hook, settings, {}, None)


async def test_the_file_takes_the_place_of_the_single_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    single = ways.traffic(NotifySettings(sms_gateway="kannel"))
    assert [(lane.provider.name, lane.provider.kind) for lane in single.lanes] == [
        ("relay", "smtp"),
        ("kannel", "http"),
    ]
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    several = traffic(tmp_path, sms_gateway="kannel")
    assert [lane.provider.name for lane in several.lanes] == ["relay-a", "centre", "esms", "province"]
    assert all("secret" not in str(told) and told.get("password") != "s" for told in several.told())


@pytest.mark.parametrize("password", ["ninechars", "mậtkhẩu"])
def test_a_password_that_smpp_cannot_carry_is_refused_at_start_and_by_the_command_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    for name, value in {**SECRETS, "DONDOC_NOTIFY_SECRET_CENTRE": password}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProviderError, match="provider centre: its secret centre cannot be used: SMPP carries") as error:
        traffic(tmp_path)
    app = typer.Typer()
    cli.register(app)
    checked = CliRunner().invoke(app, ["notify", "providers", "check", str(tmp_path / "providers.yaml")])
    assert (checked.exit_code, checked.stderr) == (1, f"dondoc: {error.value}\n")
    assert password not in checked.output


def test_the_command_checks_a_file_and_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE)
    app = typer.Typer()
    cli.register(app)
    good = CliRunner().invoke(app, ["notify", "providers", "check", str(path)])
    assert good.exit_code == 0
    assert "relay-a: email by smtp, 3 of 3 parts, 8 at once, needs DONDOC_NOTIFY_SECRET_RELAY_A" in good.stdout
    assert "esms: sms by http, 1 of 2 parts" in good.stdout
    path.write_text(FILE.replace("share: 3", "share: many"))
    bad = CliRunner().invoke(app, ["notify", "providers", "check", str(path)])
    assert (bad.exit_code, bad.stderr.startswith("dondoc: line 7: providers.0.smtp.share: ")) == (1, True)
    as_json = CliRunner().invoke(app, ["notify", "providers", "check", "--json", str(path)])
    assert as_json.exit_code == 1
