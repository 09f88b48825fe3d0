"""The roles of PostgreSQL: what a service's role may do beyond its own schema."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from dondoc.doctor.findings import Finding, settled, warning, wrong
from dondoc.doctor.place import at
from dondoc.stack.layout import SERVICES
from shared import db
from shared.settings import database_dsn

ANSWER_S = 3
ATTRIBUTES = ("superuser", "createrole", "createdb", "bypassrls", "replication")
_ATTRIBUTES = (
    "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = :r"
)
_MEMBERSHIPS = """
    SELECT rolname FROM pg_roles
    WHERE rolname NOT IN (:r, 'pg_database_owner') AND pg_has_role(:r, oid, 'MEMBER')
"""
_NEIGHBOURS = """
    SELECT nspname FROM pg_namespace
    WHERE nspname = ANY(:schemas) AND has_schema_privilege(:r, oid, 'USAGE, CREATE')
"""
_DATABASES = """
    SELECT datname FROM pg_database
    WHERE datallowconn AND datname <> current_database() AND has_database_privilege(:r, oid, 'CONNECT')
"""
_HERE = """
    SELECT privilege FROM unnest(ARRAY['CREATE', 'TEMPORARY']) AS privilege
    WHERE has_database_privilege(:r, current_database(), privilege)
"""


@dataclass(frozen=True)
class Told:
    """What a role may beyond its own schema; each list is empty where all is well. here: on its own database."""

    role: str
    attributes: tuple[str, ...] = ()
    memberships: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    here: tuple[str, ...] = ()


async def ask(connection: AsyncConnection, service: str, role: str) -> Told:
    """Ask what the role of a service may; PostgreSQL tells that to anybody."""
    row = (await connection.execute(text(_ATTRIBUTES), {"r": role})).one()
    attributes = tuple(name for name, has in zip(ATTRIBUTES, row, strict=True) if has)
    if "superuser" in attributes:  # to whom every question is answered with yes
        return Told(role, attributes)
    others = [schema for schema in SERVICES if schema != service]

    async def names(query: str, **more: object) -> tuple[str, ...]:
        return tuple((await connection.execute(text(query), {"r": role, **more})).scalars())

    return Told(
        role,
        attributes,
        memberships=await names(_MEMBERSHIPS),
        neighbours=await names(_NEIGHBOURS, schemas=others),
        databases=await names(_DATABASES),
        here=await names(_HERE),
    )


async def examine(urls: Mapping[str, str], told: Mapping[str, Told]) -> list[Finding]:
    """Return what the roles may beyond what they must, and whether the server asks for their passwords."""
    return [*judge(told), *judge_passwords(urls), *await _without_password(next(iter(urls.values())))]


def judge(told: Mapping[str, Told]) -> list[Finding]:
    """Return what is too much of each service's role."""
    problems: list[Finding] = []
    used = {of.role for of in told.values()}
    if len(told) > 1 and len(used) == 1:
        said = f"all services use the one role {used.pop()}: each may read and change what belongs to the others"
        problems.append(warning("roles", said, "`dondoc migrate` with DONDOC_ADMIN_DATABASE_URL makes one for each"))
        told = {"all": replace(next(iter(told.values())), neighbours=(), here=())}  # all the schemas are its own
    for of in told.values():
        problems += _too_much(of)
    return settled(
        "roles", problems, good=f"{', '.join(of.role for of in told.values())}: nothing beyond their schemas"
    )


def _too_much(of: Told) -> list[Finding]:
    role = of.role
    found = [wrong("roles", f"{role} is {name}", f"ALTER ROLE {role} NO{name.upper()}") for name in of.attributes]
    found += [
        wrong("roles", f"{role} is a member of {group}", f"REVOKE {group} FROM {role}") for group in of.memberships
    ]
    found += [
        wrong(
            "roles", f"{role} reaches the schema {schema} of a neighbour", f"REVOKE ALL ON SCHEMA {schema} FROM {role}"
        )
        for schema in of.neighbours
    ]
    if of.databases:
        said = f"{role} may connect to other databases: {', '.join(of.databases)}"
        found.append(warning("roles", said, "REVOKE CONNECT ON DATABASE … FROM PUBLIC, where nobody else needs it"))
    if of.here:
        said = f"{role} has {', '.join(of.here)} on its database, and needs neither"
        found.append(warning("roles", said, f"REVOKE {', '.join(of.here)} ON DATABASE … FROM {role}, PUBLIC"))
    return found


def judge_passwords(urls: Mapping[str, str]) -> list[Finding]:
    """Return which services connect without any password."""
    without = [service for service, url in urls.items() if not make_url(database_dsn(url)).password]
    if not without:
        return []
    said = f"the addresses of {', '.join(without)} carry no password"
    return [warning("passwords", said, "give each role one, unless the server knows it by a certificate")]


async def _without_password(url: str) -> list[Finding]:
    """Knock with a wrong password, once; a server that lets it in asks nobody for one."""
    if not make_url(database_dsn(url)).password:
        return []
    guess = make_url(database_dsn(url)).set(password=secrets.token_hex(8)).render_as_string(hide_password=False)
    engine = db.engine(guess, name="doctor", pool=2)
    try:
        async with asyncio.timeout(ANSWER_S), engine.connect():
            said = f"PostgreSQL at {at(url)} lets a role in with a wrong password"
            return [wrong("passwords", said, "in pg_hba.conf put scram-sha-256 in place of trust, and reload")]
    except (OSError, TimeoutError, DBAPIError):
        return settled("passwords", [], good="a wrong one is refused")
    finally:
        await engine.dispose()
