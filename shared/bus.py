"""The way messages travel: connecting, provisioning, acking, publishing in atomic batches.

FastStream holds the connection, the low-rate subjects and the AsyncAPI document.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from faststream.nats import NatsBroker
from faststream.security import BaseSecurity, SASLPlaintext
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from shared import login
from shared.cloudevents import Outgoing
from shared.logs import log, told
from shared.streams import Stream, plain

CONNECT_TIMEOUT_S = 10
API_TIMEOUT_S = 5
ACK_WAIT_S = 60
BATCH_LIMIT = 1000  # messages of one atomic batch; the server's bound
DUPLICATE_IN_BATCH = 10201  # JetStream: a message of the batch is known already
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class JetStreamError(Exception):
    """JetStream refused a request."""

    def __init__(self, subject: str, error: dict[str, Any]) -> None:
        super().__init__(f"{subject}: {error.get('description', error)} ({error.get('err_code')})")
        self.code: int = error.get("err_code", 0)
        self.status: int = error.get("code", 0)


class NotPublishedError(Exception):
    """The stream did not confirm what was published; the outbox keeps it."""


@dataclass(slots=True)
class Received:
    """One message as it came from a stream.

    subject: as on the stream of its owner, also of what came by import. at: when the stream stored it.
    delivered: 1 unless it is a redelivery. sequence: in the stream.
    """

    subject: str
    data: bytes
    headers: dict[str, str]
    reply: str
    stream: str
    sequence: int
    delivered: int
    at: datetime


def broker(url: str, *, name: str, ca: Path | None = None) -> NatsBroker:
    """Return FastStream's broker with a connection that never gives up.

    url: may carry user:password; tls:// is verified with `ca`, else with the system's authorities.
    raises: OSError - `ca` cannot be used.
    """
    parts = urlsplit(url)
    address = f"{parts.scheme}://{parts.hostname}:{parts.port or 4222}"
    security: BaseSecurity | None = None
    context = login.trusted(url, ca)
    if parts.username:
        security = SASLPlaintext(unquote(parts.username), unquote(parts.password or ""), ssl_context=context)
    elif context:
        security = BaseSecurity(ssl_context=context)
    said = ""

    async def tell(error: Exception) -> None:
        """FastStream says what breaks a connection, and nothing of why there is none yet."""
        nonlocal said
        if made._connection is None and said != (said := told(error)):
            log.warning("nats_refuses", error=said)

    made = NatsBroker(
        address,
        name=f"dondoc-{name}",
        error_cb=tell,
        security=security,
        inbox_prefix=login.inbox(name),
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        ping_interval=10,
        connect_timeout=2,
        logger=logging.getLogger("faststream"),  # JSON lines like all others; never None, that hides lost batches
        log_level=logging.DEBUG,  # of its lines for each message; warnings and errors show all the same
    )
    return made


async def connect(nats: NatsBroker) -> Client:
    """Start the broker and return its client.

    raises: TimeoutError - no server within 10 s. NotEncryptedError - TLS was asked for and not offered.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await nats.start()
        client = await nats.connect()
    login.insist(client)
    _forgive(client)
    return client


def _forgive(client: Client) -> None:
    """Let a message through without its headers where these, or its subject, are no text.

    nats-py 2.16 stops reading at such a message, and again at each redelivery: nothing behind it would arrive.
    """
    strict = client._process_msg

    async def forgiving(sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        try:
            await strict(sid, subject, reply, data, headers)
        except (IndexError, UnicodeDecodeError):
            await strict(sid, subject.decode(errors="replace").encode(), reply, data, b"")

    client._process_msg = forgiving  # type: ignore[method-assign]


async def api(client: Client, subject: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Call the JetStream API. raises: JetStreamError - with the server's words."""
    payload = orjson.dumps(body) if body is not None else b""
    answer = await client.request(f"$JS.API.{subject}", payload, timeout=API_TIMEOUT_S)
    document: dict[str, Any] = orjson.loads(answer.data)
    if "error" in document:
        raise JetStreamError(subject, document["error"])
    return document


async def provision_stream(client: Client, stream: Stream, *, max_bytes: int) -> None:
    """Create the stream or bring an existing one to our configuration."""
    config = stream.config(max_bytes=max_bytes)
    try:
        await api(client, f"STREAM.CREATE.{stream.name}", config)
    except JetStreamError as error:
        if error.status != 400:
            raise
        await api(client, f"STREAM.UPDATE.{stream.name}", config)


async def provision_durable(client: Client, *, stream: str, durable: str, subjects: Sequence[str]) -> None:
    """Create or update a durable pull consumer that hears `subjects` from the stream's beginning.

    A single subject stands in the request's own subject too, where the server's permissions see it.
    raises: JetStreamError - among others, its owner has not made the stream yet.
    """
    config = {
        "durable_name": durable,
        "ack_policy": "explicit",
        "ack_wait": ACK_WAIT_S * 1_000_000_000,
        "max_deliver": -1,
        "max_ack_pending": 50_000,
        "deliver_policy": "all",
    }
    one = subjects[0] if len(subjects) == 1 else None
    config |= {"filter_subject": one} if one else {"filter_subjects": list(subjects)}
    request = f"CONSUMER.CREATE.{stream}.{durable}" + (f".{one}" if one else "")
    await api(client, request, {"stream_name": stream, "config": config})


@dataclass(frozen=True, slots=True)
class Lag:
    """What a durable has still to hear. floor: every message up to this stream sequence is acked."""

    pending: int
    unacked: int
    floor: int


async def lag(client: Client, *, stream: str, durable: str) -> Lag:
    info = await api(client, f"CONSUMER.INFO.{stream}.{durable}")
    return Lag(info["num_pending"], info["num_ack_pending"], info["ack_floor"]["stream_seq"])


def received(message: Msg) -> Received:
    """Read what JetStream says of a message from its reply subject."""
    tokens = message.reply.split(".")
    stream, delivered, sequence, stamp = (
        (tokens[2], tokens[4], tokens[5], tokens[7])
        if len(tokens) < 11
        else (tokens[4], tokens[6], tokens[7], tokens[9])
    )
    return Received(
        subject=plain(message.subject),
        data=message.data,
        headers=message.headers or {},
        reply=message.reply,
        stream=stream,
        sequence=int(sequence),
        delivered=int(delivered),
        at=EPOCH + timedelta(microseconds=int(stamp) // 1000),
    )


async def ack(client: Client, messages: Sequence[Received]) -> None:
    """Tell the server that these are done. Call it after the commit."""
    for message in messages:
        await client.publish(message.reply, b"+ACK")


async def give_back(client: Client, messages: Sequence[Received]) -> None:
    """Return messages unused, so that they are delivered again at once. Only where this process takes no more."""
    for message in messages:
        await client.publish(message.reply, b"-NAK")


async def keep(client: Client, messages: Sequence[Received]) -> None:
    """Tell the server that these are still being worked on, so that it does not deliver them again."""
    for message in messages:
        await client.publish(message.reply, b"+WPI")


async def publish(client: Client, events: Sequence[Outgoing]) -> None:
    """Publish events in atomic batches, each of one stream, and one by one where a batch is refused for a known id.

    raises: NotPublishedError - a stream confirmed not all; publishing again under the same ids is harmless.
    """
    of_stream: dict[str, list[Outgoing]] = defaultdict(list)
    for event in events:
        of_stream[event.subject.partition(".")[0]].append(event)
    for batch in of_stream.values():
        for start in range(0, len(batch), BATCH_LIMIT):
            try:
                await _publish_chunk(client, batch[start : start + BATCH_LIMIT])
            except (JetStreamError, NatsError, TimeoutError) as error:
                raise NotPublishedError(repr(error)) from error


async def _publish_chunk(client: Client, events: Sequence[Outgoing]) -> None:
    if len(events) > 1:
        try:
            return await _publish_batch(client, events)
        except JetStreamError as error:
            if error.code != DUPLICATE_IN_BATCH:
                raise
    for event in events:
        await _publish_one(client, event)
    return None


async def _publish_batch(client: Client, events: Sequence[Outgoing]) -> None:
    batch_id = client.new_inbox()[-22:]
    last = len(events)
    for number, event in enumerate(events[:-1], start=1):
        headers = {"Nats-Msg-Id": event.id, "Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(number)}
        if event.headers:
            headers |= event.headers
        await client.publish(event.subject, event.body, headers=headers)
    headers = {
        "Nats-Msg-Id": events[-1].id,
        "Nats-Batch-Id": batch_id,
        "Nats-Batch-Sequence": str(last),
        "Nats-Batch-Commit": "1",
        **(events[-1].headers or {}),
    }
    await _confirmed(client, events[-1], headers)


async def _publish_one(client: Client, event: Outgoing) -> None:
    await _confirmed(client, event, {"Nats-Msg-Id": event.id, **(event.headers or {})})


async def _confirmed(client: Client, event: Outgoing, headers: dict[str, str]) -> None:
    try:
        answer = await client.request(event.subject, event.body, headers=headers, timeout=API_TIMEOUT_S)
    except NoRespondersError as error:
        raise NotPublishedError(f"no stream takes {event.subject}") from error
    document = orjson.loads(answer.data)
    if "error" in document:
        raise JetStreamError(event.subject, document["error"])
