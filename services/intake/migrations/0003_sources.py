"""The register of sources, its keys and audit, and when each source was heard."""

from alembic import op

from services.intake.sources.store import TABLES

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
