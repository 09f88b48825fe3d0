"""How a matter ended: what turned out not to be is counted nowhere."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute('ALTER TABLE console.obligation ADD COLUMN "end" text')
