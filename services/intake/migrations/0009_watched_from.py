"""From when a source is watched: time in which it was disabled is no silence of its own."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE intake.source_heard ADD COLUMN IF NOT EXISTS watched_from timestamptz")
