"""Fixtures that every test may ask for: real servers, a fresh database, a clean JetStream."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

from tests import servers as real
from tests.containers.compose import compose_servers

# The same commit gives the same result, on a busy machine too; `--hypothesis-profile search` looks for new examples.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", settings.get_profile("same"), derandomize=False, print_blob=True)
settings.load_profile("same")

SERVERS = {"wheels": real.wheel_servers, "containers": real.container_servers, "compose": compose_servers}

# What services log in this process: structlog's own way draws a failure in colours with every frame's variables, which
# takes seconds a traceback and is nearly always thrown away.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        choices=SERVERS,
        default="wheels",
        help="where NATS and PostgreSQL come from: the wheels, their public images, or docker-compose.yml; from "
        "elsewhere than the wheels, only the tests that share them are run",
    )
    parser.addoption(
        "--containers", dest="servers", action="store_const", const="containers", help="the second of them"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where the servers are not the wheels', leave out what that changes nothing for.

    Those are the tests without servers, and the tests that start, kill or restart servers of their own: these come
    from the wheels always.
    """
    if config.getoption("servers") != "wheels":
        shares = ["servers" in getattr(item, "fixturenames", ()) for item in items]
        config.hook.pytest_deselected(items=[item for item, kept in zip(items, shares, strict=True) if not kept])
        items[:] = [item for item, kept in zip(items, shares, strict=True) if kept]


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[real.Servers]:
    """Both servers, started once a session."""
    with SERVERS[request.config.getoption("servers")](tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(servers: real.Servers) -> str:
    """A superuser's address of the started PostgreSQL."""
    return servers.postgres_url


@pytest_asyncio.fixture
async def nats_url(servers: real.Servers) -> str:
    """The address of the started NATS, without any stream when the test begins."""
    await real.empty_jetstream(servers.nats_url)
    return servers.nats_url


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[real.Database]:
    """A fresh database with every service's role and empty schema; `database.url("intake")`.

    With tables: `await fresh_database(postgres_url, migrated=["intake"])`.
    """
    made = await real.fresh_database(postgres_url)
    yield made
    await real.drop_database(postgres_url, made)
