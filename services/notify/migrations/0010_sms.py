"""A head may get an SMS beside the mail of a slot."""

from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.notice DROP CONSTRAINT IF EXISTS notice_post_slot_key")
    op.execute("CREATE UNIQUE INDEX IF NOT EXISTS notice_of_slot ON notify.notice (post, slot, channel)")
