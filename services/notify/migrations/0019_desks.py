"""For whose head a line is, where one person heads several units and has one digest."""

from alembic import op

from services.notify.addressing import seating

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.line ADD COLUMN IF NOT EXISTS own_post text")
    op.execute(seating.INDEX)
