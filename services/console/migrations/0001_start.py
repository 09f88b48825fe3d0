"""The console's copy of what it hears: one row a thing, the highest revision heard."""

from alembic import op

from shared import outbox, quarantine, ticks

revision = "0001"
down_revision = None

TABLES = (
    """
    CREATE TABLE console.obligation (
        obligation_id text PRIMARY KEY,
        revision integer NOT NULL,
        kind text NOT NULL,
        unit text,
        unit_name text,
        due_at timestamptz,
        near_at timestamptz,
        state text NOT NULL,
        timing text NOT NULL
    ) WITH (fillfactor = 80)
    """,  # updated in place: no second index, and room on the page
    """
    CREATE TABLE console.complaint (
        code text PRIMARY KEY,
        revision integer NOT NULL,
        answered_at timestamptz
    )
    """,
    """
    CREATE TABLE console.escalation (
        obligation_id text PRIMARY KEY,
        revision integer NOT NULL,
        level integer NOT NULL,
        closed_at timestamptz
    )
    """,
    """
    CREATE TABLE console.notice (
        notice_id text PRIMARY KEY,
        revision integer NOT NULL,
        unit text NOT NULL,
        role text NOT NULL,
        channel text NOT NULL,
        slot timestamptz NOT NULL,
        status text NOT NULL,
        reason text NOT NULL,
        items integer NOT NULL,
        sent_at timestamptz
    )
    """,
    "CREATE INDEX notice_latest ON console.notice (slot DESC, notice_id)",
    """
    CREATE TABLE console.unit (
        code text PRIMARY KEY,
        revision integer NOT NULL,
        name text NOT NULL,
        aliases jsonb NOT NULL,
        active boolean NOT NULL
    )
    """,
    "CREATE TABLE console.fresh (kind text, name text, at timestamptz NOT NULL, PRIMARY KEY (kind, name))",
)


def upgrade() -> None:
    for ddl in TABLES:
        op.execute(ddl)
    for ddl in (outbox.DDL, quarantine.DDL, ticks.DDL):
        op.execute(ddl.format(schema="console"))
