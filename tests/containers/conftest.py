"""One compose stack for all tests that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.containers.compose import Stack, stack_of_its_own


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack_of_its_own(tmp_path_factory.mktemp("compose")) as running:
        yield running
