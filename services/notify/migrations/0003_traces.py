"""What caused the present state of an obligation, and what a notice tells of: for log lines and spans."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.obligation ADD COLUMN IF NOT EXISTS trace text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE notify.notice ADD COLUMN IF NOT EXISTS traces text[] NOT NULL DEFAULT '{}'")
