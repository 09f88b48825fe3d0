"""Whether who must act is the holder of a late step, not the unit that received the dossier."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.obligation ADD COLUMN IF NOT EXISTS joint boolean NOT NULL DEFAULT false")
