"""The tables that complaints starts with."""

from alembic import op

from shared import outbox, quarantine, ticks

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE complaints.complaint (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            code text NOT NULL UNIQUE,
            revision integer NOT NULL DEFAULT 1,
            text text NOT NULL,
            contact text,
            unit text,
            dossier text,
            filed_at timestamptz NOT NULL,
            answer_working_days integer NOT NULL,
            answered_at timestamptz,
            answer text
        )
        """
    )
    op.execute("CREATE INDEX complaint_waiting ON complaints.complaint (id) WHERE answered_at IS NULL")
    for ddl in (outbox.DDL, quarantine.DDL, ticks.DDL):
        op.execute(ddl.format(schema="complaints"))
