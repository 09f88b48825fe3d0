"""The work calendars that are announced."""

from alembic import op

from services.intake import calendar_store

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(calendar_store.TABLE)
