"""The operator's queue; who took a notice, what came back of it, and why it was made."""

from alembic import op

from services.notify import cases

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = (
    "provider text NOT NULL DEFAULT ''",
    "reference text NOT NULL DEFAULT ''",
    "receipt text NOT NULL DEFAULT ''",
    "receipt_at timestamptz",
    "why text[] NOT NULL DEFAULT '{}'",
)


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE notify.notice ADD COLUMN IF NOT EXISTS {column}")
    for statement in (cases.DDL, cases.ONE_OPEN):
        op.execute(statement.format(schema="notify"))
