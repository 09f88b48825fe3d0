"""What caused the present state of an obligation, for the log lines and spans of its sweep."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE deadline.obligation ADD COLUMN IF NOT EXISTS trace uuid")
