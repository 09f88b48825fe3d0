"""What is in no list, count or export: a feedback that is or may be a denunciation."""

from alembic import op

revision = "0023"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE deadline.obligation ADD COLUMN IF NOT EXISTS confidential boolean NOT NULL DEFAULT false")
