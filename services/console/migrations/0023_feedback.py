"""The state of a feedback; what is in no count: a feedback that is or may be a denunciation."""

from alembic import op

revision = "0023"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE console.obligation ADD COLUMN confidential boolean NOT NULL DEFAULT false")
    op.execute("CREATE INDEX obligation_confidential ON console.obligation (obligation_id) WHERE confidential")
    op.execute(
        "ALTER TABLE console.complaint ADD COLUMN state text NOT NULL DEFAULT 'received', "
        "ADD COLUMN restricted boolean NOT NULL DEFAULT false"
    )
