"""What providers say of notices, who is told in place of whom, and addresses that are dead."""

from alembic import op

from services.notify.receipts import addresses, inbox, store

revision = "0017"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(inbox.DDL.format(schema="notify"))
    for column in store.COLUMNS:
        op.execute(f"ALTER TABLE notify.notice ADD COLUMN IF NOT EXISTS {column}")
    for statement in (inbox.WAITING, addresses.DDL, *store.INDEXES):
        op.execute(statement.format(schema="notify"))
