"""The catalogue of procedures, and work calendars."""

from alembic import op

from services.intake.store import DESCRIBED

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("procedure", "calendar"):
        op.execute(DESCRIBED.format(table=table))
