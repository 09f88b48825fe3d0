"""PostgreSQL: does it answer each service's role, is it new enough and durable, are the schemas at their newest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dondoc.doctor import roles
from dondoc.doctor.clock import judge_offset
from dondoc.doctor.findings import Finding, left_out, ok, settled, warning, wrong
from dondoc.doctor.place import Place, at, user
from dondoc.stack.layout import SERVICES
from shared import db
from shared.clock import machine_now

ANSWER_S = 3
OLDEST = 18  # the major version that all is tested with
IN_CONTAINERS = "`docker-compose run --rm migrate doctor` has the addresses of all roles"
NO_TABLE, NO_SCHEMA = "42P01", "3F000"
REFUSALS = {  # SQLSTATE: what is so, what to do
    "28P01": ("the password is refused", "give the role the password of the address: `dondoc migrate` sets it"),
    "28000": ("the role is refused", "let the role in: pg_hba.conf, LOGIN"),
    "3D000": ("the database does not exist", "`dondoc migrate` with DONDOC_ADMIN_DATABASE_URL makes it"),
    "42501": ("the role may not connect", "`dondoc migrate` with DONDOC_ADMIN_DATABASE_URL gives it the right"),
    "53300": ("no connection is free", "raise max_connections, or lower DONDOC_DATABASE_POOL"),
}


@dataclass(frozen=True)
class Told:
    """What the server said to one service's role. settings: by name. versions: of that service's schema."""

    settings: Mapping[str, str]
    version: str | None
    offset: timedelta
    roles: roles.Told


async def examine(place: Place) -> list[Finding]:
    """Ask as each service's role, over an engine made as the services make theirs."""
    if not place.database_urls:
        return [left_out("postgres", place.without("PostgreSQL"), IN_CONTAINERS if place.contained else "")]
    asked = list(place.database_urls)
    answers = await asyncio.gather(*(_ask(service, place.database_urls[service]) for service in asked))
    told = {service: answer for service, answer in zip(asked, answers, strict=True) if isinstance(answer, Told)}
    found = [answer for answer in answers if isinstance(answer, Finding)]
    if missing := [service for service in SERVICES if service not in asked]:
        why = f"the addresses of {', '.join(missing)} are not here"
        found.append(left_out("postgres", why, IN_CONTAINERS if place.contained else ""))
    if told:
        one = next(iter(told.values()))
        found = [
            *judge_server(one.settings),
            *found,
            *judge_durability({name: of.settings for name, of in told.items()}),
        ]
        found += judge_schemas({name: of.version for name, of in told.items()})
        found += [*judge_offset("PostgreSQL", min((of.offset for of in told.values()), key=abs))]
        found += await roles.examine(place.database_urls, {name: of.roles for name, of in told.items()})
    return found


async def _ask(service: str, url: str) -> Told | Finding:
    """Return what the server says to a service's role, else why it does not."""
    engine = db.engine(url, name="doctor", pool=2)
    try:
        async with asyncio.timeout(ANSWER_S), engine.connect() as connection:
            return await _told(connection, service, url)
    except (OSError, TimeoutError, DBAPIError) as error:
        state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
        nobody = (
            f"no answer ({type(error).__name__})",
            "`dondoc up` starts it; else look at its log and at the address",
        )
        why, to_do = REFUSALS.get(state, nobody)
        return wrong("postgres", f"PostgreSQL at {at(url)}, role {user(url)}: {why}", to_do)
    finally:
        await engine.dispose()


async def _told(connection: AsyncConnection, service: str, url: str) -> Told:
    names = ("server_version", "server_version_num", "fsync", "synchronous_commit", "full_page_writes", "autovacuum")
    columns = ", ".join(f"current_setting('{name}') AS {name}" for name in names)
    asked = machine_now()
    row = (await connection.execute(text(f"SELECT clock_timestamp() AS now, {columns}"))).one()._mapping
    offset = row["now"] - (asked + (machine_now() - asked) / 2)
    privileges = await roles.ask(connection, service, user(url) or "")
    return Told({name: row[name] for name in names}, await _version(connection, service), offset, privileges)


async def _version(connection: AsyncConnection, service: str) -> str | None:
    try:
        async with connection.begin_nested():
            return (await connection.execute(text(f"SELECT version_num FROM {service}.alembic_version"))).scalar()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in (NO_TABLE, NO_SCHEMA):
            return None
        raise


def judge_server(settings: Mapping[str, str]) -> list[Finding]:
    """Return what the server's version and its housekeeping mean."""
    said = f"PostgreSQL answers, version {settings['server_version']}"
    found = [ok("postgres", said)]
    if int(settings["server_version_num"]) < OLDEST * 10_000:
        found = [warning("postgres", said, f"move to PostgreSQL {OLDEST}: all is tested with that")]
    if settings["autovacuum"] != "on":
        to_do = "ALTER SYSTEM RESET autovacuum; SELECT pg_reload_conf()"
        found.append(wrong("autovacuum", "autovacuum is off: the outboxes grow without end", to_do))
    return found


def judge_durability(settings: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Return what may be lost after a commit. settings: as each service's role has them."""
    problems: dict[tuple[str, str], list[str]] = {}
    for service, of in settings.items():
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if of[name] == "off":
                problems.setdefault((name, of[name]), []).append(service)
    found = [
        wrong(
            "postgres durability",
            f"{name} is {value} for {', '.join(services)}: what was committed, and then acknowledged, can be lost",
            f"ALTER SYSTEM RESET {name}; SELECT pg_reload_conf(); and look at ALTER ROLE … SET {name}",
        )
        for (name, value), services in problems.items()
    ]
    return settled("postgres durability", found, good="fsync, synchronous_commit and full_page_writes are on")


def judge_schemas(versions: Mapping[str, str | None]) -> list[Finding]:
    """Compare each schema's version with the newest that this program knows. None: nothing is there yet."""
    problems = []
    for service, version in versions.items():
        known = db.versions(service)
        if version == known[0]:
            continue
        if version is None:
            problems.append(wrong("schemas", f"{service} has no tables yet", "run `dondoc migrate`"))
        elif version in known:
            said = f"{service} is at version {version}, this program at {known[0]}"
            problems.append(wrong("schemas", said, "run `dondoc migrate`, then restart the services"))
        else:
            said = f"{service} is at version {version}, which this program does not know"
            problems.append(wrong("schemas", said, "run the newer program that made it, or restore an older backup"))
    return settled("schemas", problems, good=f"{', '.join(versions)}: at their newest version")
