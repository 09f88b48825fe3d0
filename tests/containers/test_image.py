"""The image holds what runs and nothing else: no secret of the checkout it was built from, no tool that builds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.containers.compose import IMAGE
from tests.servers import ROOT

pytestmark = [
    pytest.mark.skipif(not os.environ.get("DONDOC_TESTS_FULL"), reason="part of `./dev test --full`"),
    pytest.mark.timeout(900),  # the first build fetches every package
]

TOOLS = {
    "apk",
    "as",
    "cc",
    "cmake",
    "curl",
    "g++",
    "gcc",
    "git",
    "ld",
    "make",
    "pip",
    "pip3",
    "rustc",
    "uv",
    "uvx",
    "wget",
}
TOOL_PACKAGES = {"ensurepip", "hatchling", "pip", "setuptools", "uv", "wheel"}
INSTALLED = """
import json, subprocess
from importlib import metadata
debian = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n"]
print(json.dumps([
    [[found.metadata["Name"], found.version] for found in metadata.distributions()],
    [line.split() for line in subprocess.run(debian, capture_output=True, text=True).stdout.splitlines()],
]))
"""


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is here, with secrets everywhere operators have them."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in run("git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    run(str(folder / "deploy" / "make-secrets.sh"))
    for copied in (".env.secret", "var/secrets.json", "services/intake/__pycache__/secret.pyc"):
        (folder / copied).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "deploy" / "secrets" / "api_key", folder / copied)
    return folder


@pytest.fixture(scope="module")
def saved(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image, built in that clone, with all its layers and its history."""
    run("docker", "build", "--quiet", "--file", str(checkout / "deploy" / "Dockerfile"), "--tag", IMAGE, str(checkout))
    file = tmp_path_factory.mktemp("image") / "image.tar"
    run("docker", "save", "--output", str(file), IMAGE)
    return file


def layers(saved: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(saved) as image:
        told = image.extractfile("manifest.json")
        assert told
        [manifest] = json.load(told)
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as opened:
                yield opened


def names(saved: Path) -> Iterator[PurePosixPath]:
    for layer in layers(saved):
        yield from (PurePosixPath(member.name) for member in layer if not member.isdir())


def contents(saved: Path) -> Iterator[bytes]:
    """Yield every file of every layer, and what the image says of itself and its history."""
    for layer in layers(saved):
        yield from (file.read() for member in layer if member.isfile() and (file := layer.extractfile(member)))
    with tarfile.open(saved) as image:
        for member in image:
            if member.size < 1 << 20 and (told := image.extractfile(member)):
                yield told.read()


def test_the_folder_for_attachments_belongs_to_whom_the_programs_run_as(saved: Path) -> None:
    folders = [one for layer in layers(saved) for one in layer if one.name.rstrip("/") == "var/lib/dondoc/attachments"]
    assert [(one.isdir(), one.uid) for one in folders] == [(True, 10001)]


def test_no_layer_holds_a_secret_of_the_checkout(saved: Path, checkout: Path) -> None:
    secrets = {file.name: file.read_bytes() for file in (checkout / "deploy" / "secrets").iterdir()}
    assert len(secrets) > 10
    held = {name for content in contents(saved) for name, secret in secrets.items() if secret and secret in content}
    assert held == set()


def test_no_layer_holds_a_tool_that_builds_or_fetches(saved: Path) -> None:
    held = list(names(saved))
    assert PurePosixPath("opt/dondoc/bin/dondoc") in held
    assert [name for name in held if name.name in TOOLS and name.parent.name in ("bin", "sbin")] == []
    assert [name for name in held if name.name == "__init__.py" and name.parent.name in TOOL_PACKAGES] == []
    assert [name for name in held if "tests" in name.parts] == []


def test_nobody_in_it_can_become_another_user(saved: Path) -> None:
    assert [
        member.name for layer in layers(saved) for member in layer if member.isfile() and member.mode & 0o6000
    ] == []


def test_the_bill_of_materials_lists_what_is_installed(saved: Path) -> None:
    def inside(*command: str) -> Any:
        return json.loads(run("docker", "run", "--rm", "--entrypoint", *command))

    bill = inside("cat", IMAGE, "/usr/share/dondoc/sbom.cdx.json")
    python, debian = inside("python", IMAGE, "-c", INSTALLED)
    program = bill["metadata"]["component"]
    listed = {(kind, of["name"], of["version"]) for of in [program, *bill["components"]] for kind in [of["purl"][:7]]}
    assert program["name"] == "dondoc"
    assert {("pkg:pyp", *of) for of in python} == {of for of in listed if of[0] == "pkg:pyp"}
    assert {("pkg:deb", *of) for of in debian} == {of for of in listed if of[0] == "pkg:deb"}
    assert min(len(python), len(debian)) > 20
