"""Each login of NATS does its work and no more: on a real server with the permissions of every installation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from nats.aio.client import Client

from dondoc.stack.layout import OPERATOR, SERVICES
from services.complaints.main import SERVICE as COMPLAINTS
from services.deadline.main import SERVICE as DEADLINE
from services.intake.main import SERVICE as INTAKE
from shared import bus
from shared.cloudevents import Outgoing
from shared.program import running
from shared.service import Running, Service
from shared.streams import STREAMS, StreamName
from tests import servers as real
from tests.component import harness
from tests.component.test_intake_to_deadline import message, snapshot
from tests.waiting import until

OWNERS: dict[StreamName, str] = {
    "FEED": "intake",
    "BACKFILL": "intake",
    "INTAKE": "intake",
    "DEADLINE": "deadline",
    "COMPLAINTS": "complaints",
    "NOTIFY": "notify",
}
DURABLES: tuple[tuple[StreamName, str], ...] = (
    ("FEED", "intake"),
    ("FEED", "complaints"),
    ("INTAKE", "deadline"),
    ("DEADLINE", "notify"),
)


class Guest:
    """A login and what the server refused it."""

    def __init__(self, client: Client, said: list[str]) -> None:
        self.client, self._said = client, said

    async def let_through(self, *subjects: str, body: bytes = b"{}") -> list[str]:
        """Publish on each subject; return those that were let through."""
        await self._settle()
        for subject in subjects:
            await self.client.publish(subject, body)
        await self._settle()
        return [s for s in subjects if f'permissions violation for publish to "{s.lower()}"' not in self._told()]

    async def heard(self, *subjects: str) -> list[str]:
        """Subscribe to each subject; return those that were allowed."""
        for subject in subjects:
            await self.client.subscribe(subject)
        await self._settle()
        return [s for s in subjects if f'permissions violation for subscription to "{s.lower()}"' not in self._told()]

    def _told(self) -> str:
        return "\n".join(self._said)

    async def _settle(self) -> None:
        await self.client.flush()
        await asyncio.sleep(0.05)  # an error is told by a callback, behind the answer to the flush


@contextlib.asynccontextmanager
async def guest(nats_url: str, user: str) -> AsyncIterator[Guest]:
    said: list[str] = []

    async def note(error: Exception) -> None:
        said.append(str(error).lower())

    async with harness.connected(real.logged_in(nats_url, user), error_cb=note) as client:
        yield Guest(client, said)


@pytest_asyncio.fixture
async def streams(nats_url: str) -> str:
    """All streams, each made by its owner, and durables with one message to take."""
    for name, owner in OWNERS.items():
        async with harness.connected(real.logged_in(nats_url, owner)) as client:
            await bus.provision_stream(client, STREAMS[name], max_bytes=64 << 20)
            await bus.publish(client, [Outgoing("1", f"{name.lower()}.test.v1", b"{}")])
    for stream, service in DURABLES:
        async with harness.connected(real.logged_in(nats_url, service)) as client:
            subjects = _needs(service, stream)
            await bus.provision_durable(client, stream=stream, durable=service, subjects=subjects)
    return nats_url


def _needs(service: str, stream: str) -> list[str]:
    if stream == "FEED":
        return ["feed.>"] if service == "intake" else ["feed.tick.v1"]
    return [f"{stream.lower()}.test.v1", f"{stream.lower()}.tick.v1"]


def forbidden(service: str) -> Iterator[str]:
    """Yield what a service has no business with."""
    for stream, owner in OWNERS.items():
        yield from (f"$JS.API.STREAM.{deed}.{stream}" for deed in ("DELETE", "MSG.DELETE", "SNAPSHOT"))
        if (service, stream) != ("intake", "BACKFILL"):  # of which it lets go of what is done
            yield f"$JS.API.STREAM.PURGE.{stream}"
        if owner != service:
            yield f"{stream.lower()}.test.v1"
            yield from (f"$JS.API.STREAM.{deed}.{stream}" for deed in ("CREATE", "UPDATE"))
    for stream, durable in DURABLES:
        yield f"$JS.API.CONSUMER.DELETE.{stream}.{durable}"
        if durable != service:
            yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
            yield f"$JS.ACK.{stream}.{durable}.1.1.1.1.0"
            yield f"$JS.API.CONSUMER.CREATE.{stream}.{durable}"
            yield f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{durable}"
    yield "$JS.API.CONSUMER.CREATE.FEED"  # of a consumer without a name
    yield "dondoc.status.notify"
    yield "_INBOX_operator.1"
    if service != "intake":
        yield from ("$JS.API.STREAM.MSG.GET.FEED", "$JS.API.DIRECT.GET.FEED", f"$JS.API.CONSUMER.CREATE.FEED.{service}")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_refused_whatever_belongs_to_another(streams: str, service: str) -> None:
    async with guest(streams, service) as one, harness.connected(streams) as looker:
        assert await one.let_through(*forbidden(service)) == []
        others = (other for other in (*SERVICES, OPERATOR) if other != service)
        inboxes = [f"_INBOX_{other}.>" for other in others]
        assert await one.heard(*inboxes, ">", "_INBOX.>", "feed.>", "notify.>", "$JS.ACK.>", "$JS.API.>") == []
        for name in STREAMS:
            assert (await bus.api(looker, f"STREAM.INFO.{name}"))["state"]["messages"] == 1


@pytest.mark.parametrize(("stream", "service"), DURABLES)
async def test_a_service_pulls_and_acks_its_own_durable(streams: str, stream: str, service: str) -> None:
    async with harness.connected(real.logged_in(streams, service)) as client:
        inbox = client.new_inbox()
        answers = await client.subscribe(inbox)
        request = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{service}"
        await client.publish(request, b'{"batch": 1, "expires": 200000000}', reply=inbox)
        taken = await answers.next_msg(timeout=30)
        if service == "complaints":  # hears ticks of FEED alone, and there is none
            assert (taken.headers or {})["Status"] == "408"
            return
        await client.request(taken.reply, b"+ACK", timeout=30)  # the server says when it is done
        assert (await bus.lag(client, stream=stream, durable=service)).unacked == 0


async def test_complaints_cannot_ask_for_more_of_the_feed_than_its_ticks(streams: str) -> None:
    async with guest(streams, "complaints") as one:
        for subjects in (["feed.>"], ["feed.motcua-1.national"], ["feed.tick.v1", "feed.>"]):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(
                    bus.provision_durable(one.client, stream="FEED", durable="complaints", subjects=subjects), 0.3
                )
        config = {"durable_name": "complaints", "ack_policy": "explicit", "filter_subject": "feed.>"}
        with pytest.raises(
            bus.JetStreamError, match="did not match"
        ):  # one subject in the request, another in its body
            await bus.api(
                one.client,
                "CONSUMER.CREATE.FEED.complaints.feed.tick.v1",
                {"stream_name": "FEED", "config": config},
            )


async def test_a_source_says_what_is_its_own_and_hears_only_that_it_is_stored(streams: str) -> None:
    async with guest(streams, real.SOURCE) as source:
        stored = await source.client.request(f"feed.{real.SOURCE}.national", b"{}")
        assert b'"stream":"FEED"' in stored.data
        wrong = [
            "feed.motcua-2.national",
            "feed.tick.v1",
            "intake.test.v1",
            "dondoc.status.intake",
            f"feed.{real.SOURCE}",
        ]
        wrong += ["$JS.API.INFO", "$JS.API.STREAM.INFO.FEED", "$JS.API.STREAM.MSG.GET.FEED", "_INBOX_intake.1"]
        assert await source.let_through(*wrong) == []
        assert await source.heard("feed.>", f"feed.{real.SOURCE}.>", "_INBOX_motcua-2.>", "_INBOX.>", ">") == []


async def test_the_operator_asks_and_drives_and_changes_nothing_else(streams: str) -> None:
    async with guest(streams, OPERATOR) as operator:
        wrong = [f"$JS.API.STREAM.{deed}.FEED" for deed in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET")]
        wrong += [f"{name.lower()}.test.v1" for name in STREAMS if name != "FEED"]
        wrong += ["$JS.API.CONSUMER.MSG.NEXT.INTAKE.deadline", "$JS.API.CONSUMER.DELETE.INTAKE.deadline"]
        assert await operator.let_through(*wrong) == []
        assert await operator.heard("feed.>", "dondoc.status.intake", "_INBOX_intake.>", ">") == []
        assert (await bus.api(operator.client, "STREAM.INFO.FEED"))["state"]["messages"] == 1
        await harness.tick(operator.client, "2026-11-02T08:00:00+07:00")


async def test_what_the_server_itself_is_made_to_say_on_a_subject_is_no_event(nats_url: str, postgres_url: str) -> None:
    """NATS does not look at where an answer is to go: a source can have "stored" said in another's stream, no more."""
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline"])
    async with harness.services(INTAKE, DEADLINE, nats_url=nats_url, database=database) as started:
        async with harness.connected(real.logged_in(nats_url, real.SOURCE)) as source:
            await source.publish(f"feed.{real.SOURCE}.national", message(snapshot()), reply="intake.dossier_said.v1")
            await source.flush()
        await harness.until_idle(started)
        status = await started["deadline"].status()
        assert (status["quarantine"], status["counts"]["state"]) == (1, {"open": 1})
    await real.drop_database(postgres_url, database)


async def test_a_service_waits_for_the_owners_of_what_it_hears(nats_url: str, postgres_url: str) -> None:
    database = await real.fresh_database(postgres_url, migrated=["intake", "deadline", "complaints"])

    def start(service: Service) -> contextlib.AbstractAsyncContextManager[Running]:
        own = real.logged_in(nats_url, service.name)
        url = database.url(service.name)
        return running(service, harness.settings(nats_url=own, database_url=url, service=service.name))

    async with contextlib.AsyncExitStack() as parts:
        deadline = await parts.enter_async_context(start(DEADLINE))
        not_made = "not made yet by its owner"
        assert deadline.missing() == {"INTAKE": not_made, "BACKFILL": not_made, "COMPLAINTS": not_made}
        status = await deadline.status()
        assert (status["ready"], status["idle"]) == (False, False)
        complaints = await parts.enter_async_context(start(COMPLAINTS))
        await until(complaints.missing, lambda found: found == {"FEED": not_made, "INTAKE": not_made})
        intake = await parts.enter_async_context(start(INTAKE))
        await until(lambda: not any((deadline.missing(), complaints.missing())))
        async with harness.connected(nats_url) as client:
            await harness.feed(client, [message(snapshot())])
        await harness.until_idle({"intake": intake, "deadline": deadline})
        assert (await deadline.status())["counts"]["state"] == {"open": 1}
    await real.drop_database(postgres_url, database)
