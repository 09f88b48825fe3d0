"""Codes that are one dossier, and what may turn back what stood."""

from alembic import op

from services.intake.correcting import store

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in store.TABLES:
        op.execute(statement)
