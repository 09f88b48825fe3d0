"""When a notice was handed over, whether that is known to have failed, and whether it may be doubled."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS = (
    "tried_at timestamptz",  # machine time of the last try
    "unsure boolean NOT NULL DEFAULT false",  # a provider may have it, though none said so
    "maybe_doubled boolean NOT NULL DEFAULT false",  # it was handed over again all the same
)


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE notify.notice ADD COLUMN IF NOT EXISTS {column}")
    # Claimed when it was not noted yet by whom: the relay may have it.
    op.execute("UPDATE notify.notice SET unsure = true WHERE status = 'stored' AND lease IS NOT NULL")
    op.execute(
        "CREATE INDEX IF NOT EXISTS notice_tried_provider ON notify.notice (provider, tried_at) "
        "WHERE tried_at IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX IF NOT EXISTS notice_tried_recipient ON notify.notice (recipient, tried_at) "
        "WHERE tried_at IS NOT NULL"
    )
