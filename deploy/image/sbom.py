"""Write what the image is made of as a CycloneDX document; run by deploy/Dockerfile with the image's own Python.

It lists what is installed, not what a lock file asked for, and holds no time: the same image gives the same document.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from importlib import metadata
from typing import Any
from urllib.parse import quote

PROGRAM = "dondoc"
Component = dict[str, Any]


def python_packages() -> Iterator[Component]:
    for found in metadata.distributions():
        about: Any = found.metadata
        yield {
            **component(f"pkg:pypi/{normalised(about['Name'])}@{quote(found.version)}", about["Name"], found.version),
            **licences(about),
        }


def licences(about: Message) -> dict[str, Any]:
    """Return what a package says of its licence: an SPDX expression, else the names among its classifiers."""
    if expression := about["License-Expression"]:
        return {"licenses": [{"expression": expression}]}
    prefix = "License :: "
    named = [line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if line.startswith(prefix)]
    return {"licenses": [{"license": {"name": name}} for name in sorted(set(named))]} if named else {}


def debian_packages() -> Iterator[Component]:
    listed = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev} ${Package} ${Version} ${Architecture}\n"]
    release = platform.freedesktop_os_release()
    distribution = f"{release['ID']}-{release.get('VERSION_ID', '')}"
    for line in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines():  # noqa: S603 - dpkg-query, with arguments of our own
        status, name, version, architecture = line.split()
        if status.startswith("ii"):
            where = f"pkg:deb/{release['ID']}/{name}@{quote(version, safe='~')}"
            yield component(f"{where}?arch={architecture}&distro={distribution}", name, version)


def interpreter() -> Component:
    version = platform.python_version()
    return {**component(f"pkg:generic/python@{version}", "python", version), "type": "platform"}


def component(purl: str, name: str, version: str) -> Component:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def document() -> dict[str, Any]:
    found = sorted([*python_packages(), interpreter(), *debian_packages()], key=lambda of: str(of["bom-ref"]))
    [program] = [of for of in found if of["name"] == PROGRAM]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**program, "type": "application"}},
        "components": [of for of in found if of is not program],
    }


json.dump(document(), sys.stdout, ensure_ascii=False, indent=1)
