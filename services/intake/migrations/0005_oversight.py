"""Records of oversight with every state they had, proposals and choices of units to check, series of reports."""

from alembic import op

from services.intake.oversight import store

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in store.TABLES:
        op.execute(statement)
