"""The catalogue of procedures."""

from alembic import op

from services.intake.store import PROCEDURE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(PROCEDURE)
