"""The bridge's file: what is wrong is told with its line, secrets stand elsewhere, plain HTTP is asked for."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from dondoc.bridge.config import ConfigError, load
from dondoc.bridge.rounds import LONGEST_PAUSE_S, pause_s

ROOT = Path(__file__).resolve().parents[3]
GOOD = """\
source: cong-dvc
portal:
  url: https://lgsp.example.vn
  login_path: /dang-nhap
  call_path: /goi
  username: dondoc
  password_env: DONDOC_PORTAL_PASSWORD
  agency: 000.00.00.H56
intake:
  url: http://intake:8001
  key_env: DONDOC_API_KEY
feeds:
  - list: LayHoSoThayDoi
    ack: XacNhanHoSo
    carries: DongBoHoSoMC
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "bridge.yaml"
    file.write_text(text)
    return file


def test_what_is_not_given_is_named_as_in_the_portals_known_messages(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    names = config.portal.names
    assert (names.session, names.agency, names.error_code, names.result) == (
        "session",
        "madonvi",
        "error_code",
        "result",
    )
    assert (config.feeds[0].ack_by, config.every_s) == (("MaHoSo",), 60)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("cong-dvc", "Cong.DVC", r":1: source: .*pattern"),
        ("https://lgsp", "http://lgsp", r":2: portal: the password would travel in the clear"),
        ("  password_env: DONDOC_PORTAL_PASSWORD\n", "", r":2: portal: give one of password_env, password_file"),
        ("  login_path: /dang-nhap\n", "", r":2: portal.login_path: Field required"),
        ("    ack: XacNhanHoSo\n", "    acknowledge: X\n", r":13: feeds.0.ack: Field .*:14: feeds.0.acknowledge"),
        ("carries: DongBoHoSoMC", "carries: TraCuuHoSo", r":15: feeds.0.carries: "),
        ("username: dondoc", "username: [dondoc", r":7: not YAML: "),
        ("https://lgsp", "https://user:secret@lgsp", r":3: portal.url: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_without_its_value(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, GOOD.replace(before, after)))
    assert re.search(told, str(refused.value))
    assert "secret" not in str(refused.value).replace("a secret stands", "")


def test_plain_http_is_for_loopback_or_for_who_asks_for_it(tmp_path: Path) -> None:
    load(written(tmp_path, GOOD.replace("https://lgsp.example.vn", "http://127.0.0.1:9000")))
    load(written(tmp_path, GOOD.replace("https://lgsp.example.vn", "http://lgsp.local\n  plain_http: true")))


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(" hush\n")
    text = GOOD.replace("password_env: DONDOC_PORTAL_PASSWORD", f"password_file: {tmp_path / 'password'}")
    found = load(written(tmp_path, text)).portal.password()
    assert (found.get_secret_value(), "hush" in repr(found)) == ("hush", False)
    monkeypatch.delenv("DONDOC_PORTAL_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="no secret in DONDOC_PORTAL_PASSWORD"):
        load(written(tmp_path, GOOD)).portal.password()


def test_the_documented_file_is_a_good_one(tmp_path: Path) -> None:
    [shown] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "bridge.md").read_text(), re.DOTALL)
    assert load(written(tmp_path, shown)).feeds


def test_pauses_double_to_a_bound_with_chance_and_never_below_what_was_asked_for() -> None:
    random.seed(1)
    assert [0.5 * 2**n <= pause_s(n + 1, 0) <= 2**n for n in range(8)] == [True] * 8
    assert LONGEST_PAUSE_S / 2 <= pause_s(10_000, 0) <= LONGEST_PAUSE_S
    assert pause_s(1, 42) == 42
