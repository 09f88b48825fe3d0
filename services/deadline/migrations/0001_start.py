"""What was said of obligations, the obligations, quarantine and outbox."""

from alembic import op

from services.deadline import said_store, store
from shared import outbox, quarantine, ticks

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (said_store.TABLE, *store.TABLES, outbox.DDL, quarantine.DDL, ticks.DDL):
        op.execute(statement.format(schema="deadline"))
