"""Dossiers as intake remembers them, imports, the directory, quarantine and outbox."""

from alembic import op

from services.intake.store import DESCRIBED, TABLES
from shared import outbox, quarantine, ticks

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*TABLES, DESCRIBED.format(table="unit"), outbox.DDL, quarantine.DDL, ticks.DDL):
        op.execute(statement.format(schema="intake"))
