"""Sources' own censuses, and what came of comparing them with what we know."""

from alembic import op

from services.deadline import reconciliation_store

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in reconciliation_store.TABLES:
        op.execute(statement)
