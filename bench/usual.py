"""The usual way: FastStream's own subscriber, one message, one ORM transaction, one publish, over two hops.

`python -m bench.usual intake|deadline`. Written as FastStream's and SQLAlchemy's own guides show it, with manual acks.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.nats import JStream, NatsMessage, PullSub
from nats.js.api import ConsumerConfig
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import bus, db
from shared.events import DeadlineSet, DossierSaid
from shared.settings import Settings
from shared.streams import STREAMS, StreamName


class Base(DeclarativeBase):
    """The usual declarative base."""


class Dossier(Base):
    __tablename__ = "usual_dossier"
    __table_args__ = {"schema": "intake"}  # noqa: RUF012
    code: Mapped[str] = mapped_column(primary_key=True)
    accepted: Mapped[str]
    due: Mapped[str]


class Deadline(Base):
    __tablename__ = "usual_deadline"
    __table_args__ = {"schema": "deadline"}  # noqa: RUF012
    code: Mapped[str] = mapped_column(primary_key=True)
    due: Mapped[str]


async def main(name: str) -> None:
    settings = Settings()
    engine = db.engine(settings.database_url, name=name, pool=6)
    model = Dossier if name == "intake" else Deadline
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: model.__table__.create(sync, checkfirst=True))  # type: ignore[attr-defined]
    sessions = async_sessionmaker(engine)
    broker = bus.broker(os.environ["DONDOC_BENCH_NATS_URL"], name=name)  # FastStream asks for more than our logins may
    heard: StreamName = "FEED" if name == "intake" else "INTAKE"
    said: StreamName = "INTAKE" if name == "intake" else "DEADLINE"
    await broker.connect()
    client = await broker.connect()
    for stream in (heard, said):
        await bus.provision_stream(client, STREAMS[stream], max_bytes=settings.stream_max_bytes)

    @broker.subscriber(
        f"{heard.lower()}.>",
        stream=JStream(heard, declare=False),
        durable=name,
        pull_sub=PullSub(),
        config=ConsumerConfig(ack_wait=60, max_deliver=-1),
        ack_policy=AckPolicy.MANUAL,
    )
    async def take(document: dict[str, Any], message: NatsMessage) -> None:
        async with sessions() as session, session.begin():
            codes = await (_take_snapshot if name == "intake" else _take_due)(session, document)
        subject = (DossierSaid if name == "intake" else DeadlineSet).subject()
        for code in codes:
            await broker.publish(code, subject, headers={"Nats-Msg-Id": str(code["code"])}, stream=said, timeout=10)
        await message.ack()

    await FastStream(broker).run()


async def _take_snapshot(session: AsyncSession, document: dict[str, list[dict[str, str]]]) -> list[dict[str, str]]:
    objects = document["data"]
    for element in objects:
        await session.merge(
            Dossier(code=element["MaHoSo"], accepted=element["NgayTiepNhan"], due=element["NgayHenTra"])
        )
    return [{"code": element["MaHoSo"], "due": element["NgayHenTra"]} for element in objects]


async def _take_due(session: AsyncSession, document: dict[str, str]) -> list[dict[str, str]]:
    await session.merge(Deadline(code=document["code"], due=document["due"]))
    return [document]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
