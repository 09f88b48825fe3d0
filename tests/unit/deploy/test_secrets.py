"""Secrets come from files where the environment does not have them, and are written for their owner alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from services.complaints.secrecy.envelope import Envelope
from shared import sealing
from shared.secrets import take_secret_files

ROOT = Path(__file__).resolve().parents[3]


def make(folder: Path) -> dict[str, str]:
    subprocess.run([ROOT / "deploy" / "make-secrets.sh", folder], check=True)
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_a_file_stands_in_for_a_variable_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dondoc_api_key").write_text("from-a-file\n")
    (tmp_path / "dondoc_nats_url").write_text("nats://from-a-file")
    (tmp_path / "other").write_text("not ours")
    monkeypatch.setenv("DONDOC_NATS_URL", "nats://from-the-environment")
    monkeypatch.setenv("DONDOC_API_KEY", "")  # so that it is put back after the test
    monkeypatch.delenv("DONDOC_API_KEY")
    take_secret_files(tmp_path)
    assert os.environ["DONDOC_API_KEY"] == "from-a-file"
    assert os.environ["DONDOC_NATS_URL"] == "nats://from-the-environment"
    assert "OTHER" not in os.environ


def test_where_no_secrets_are_mounted_nothing_is_taken() -> None:
    before = dict(os.environ)
    take_secret_files(None)
    assert dict(os.environ) == before


def test_secrets_are_kept_when_made_again_and_differ_between_roles(tmp_path: Path) -> None:
    made = make(tmp_path / "secrets")
    assert make(tmp_path / "secrets") == made
    passwords = [text for name, text in made.items() if name.endswith("_password") and text]
    assert len(passwords) == len(set(passwords)) == 13
    sealing.use(made["seal_keys"])  # raises where one is no key
    sealing.use("")
    assert len(Envelope.of(made["complaints_identity_keys"]).keys) == 1
    assert made["complaints_identity_keys"] != made["seal_keys"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_removed_password_is_made_anew_everywhere_it_stands(tmp_path: Path) -> None:
    before = make(tmp_path)
    (tmp_path / "notify_password").unlink()
    after = make(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"notify_password", "notify_database_url"}
    assert after["notify_password"] in after["notify_database_url"]


def test_a_closed_source_has_no_login_until_it_is_named_again(tmp_path: Path) -> None:
    def logins(*options: str) -> bool:
        subprocess.run([ROOT / "deploy" / "make-secrets.sh", *options, tmp_path], check=True)
        return '"motcua-1"' in (tmp_path / "nats_login.conf").read_text()

    assert logins("--source", "motcua-1")
    password = (tmp_path / "source_motcua-1_nats_password").read_text()
    assert not logins("--close", "motcua-1")
    assert not logins()
    assert logins("--source", "motcua-1")
    assert (tmp_path / "source_motcua-1_nats_password").read_text() == password
