"""Which policy and calendars are in force; how often a level was told again, and since when a ladder rests."""

from alembic import op

from services.notify.pressing import in_force

revision = "0012"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE notify.obligation ADD COLUMN IF NOT EXISTS repeated smallint NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE notify.obligation ADD COLUMN IF NOT EXISTS rested_at timestamptz")
    for statement in in_force.DDL:
        op.execute(statement.format(schema="notify"))
