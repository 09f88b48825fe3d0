"""What an operator lets leave the house, as notify says it."""

from alembic import op

revision = "0015"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE console.sending "
        "(what text PRIMARY KEY, revision integer NOT NULL, mode text, paused boolean NOT NULL)"
    )
