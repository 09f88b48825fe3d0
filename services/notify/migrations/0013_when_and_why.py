"""What goes at once, what is held back and why, notices made anew, silent sources, and periodic acts."""

from alembic import op

from services.notify import occasions
from services.notify.telling import holding

revision = "0013"
down_revision = "0017"
branch_labels = None
depends_on = None

COLUMNS = {
    "line": (
        "at_once boolean NOT NULL DEFAULT false",
        "told_at_once boolean NOT NULL DEFAULT false",
        "held text NOT NULL DEFAULT ''",
    ),
    "notice": (
        "kind text NOT NULL DEFAULT 'digest'",
        "template text NOT NULL DEFAULT ''",
        "rendered_at timestamptz",
    ),
    "notice_item": (
        "role text NOT NULL DEFAULT 'head'",
        "told smallint NOT NULL DEFAULT -1",
        "repeat smallint NOT NULL DEFAULT 0",
    ),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.execute(f"ALTER TABLE notify.{table} ADD COLUMN IF NOT EXISTS {column}")
    op.execute("DROP INDEX IF EXISTS notify.notice_of_slot")
    op.execute(
        "CREATE UNIQUE INDEX notice_of_slot ON notify.notice (post, slot, channel) "
        "WHERE kind = 'digest' AND instead_of = ''"
    )
    for statement in (*holding.TABLES, *occasions.TABLES):
        op.execute(statement.format(schema="notify"))
