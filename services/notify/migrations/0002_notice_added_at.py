"""When a notice was stored, by the machine's clock: how long it waits must not move with business time."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE notify.notice ADD COLUMN IF NOT EXISTS added_at timestamptz NOT NULL DEFAULT clock_timestamp()"
    )
