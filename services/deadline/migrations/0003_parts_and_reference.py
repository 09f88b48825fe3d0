"""Parts of dossiers, what due dates rest on with its versions, long work and periodic acts, counts."""

from alembic import op

from services.deadline import acts, counting, moves, reference_store

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE deadline.obligation ADD COLUMN IF NOT EXISTS parent text, ADD COLUMN IF NOT EXISTS parts text, "
        "ADD COLUMN IF NOT EXISTS changed_at timestamptz NOT NULL DEFAULT now()"
    )
    for statement in (*reference_store.TABLES, acts.TABLE, *counting.TABLES, moves.TABLE):
        op.execute(statement)
