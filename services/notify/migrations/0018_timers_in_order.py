"""Timers in the order in which the sweep takes them: thousands of one instant were sorted for each batch."""

from alembic import op

revision = "0018"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX IF EXISTS notify.obligation_timer")
    op.execute("CREATE INDEX obligation_timer ON notify.obligation (timer_at, id) WHERE timer_at IS NOT NULL")
