"""What becomes of quarantined messages: their state, place and history; and when their bytes go."""

from alembic import op

from shared import quarantine

revision = "0007"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in quarantine.LIFE:
        op.execute(statement.format(schema="console"))
