"""What becomes of quarantined messages: state, place, history, when their bytes go. Flags of data quality."""

from alembic import op

from services.intake.quality import store
from shared import quarantine

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*quarantine.LIFE, *store.TABLES):
        op.execute(statement.format(schema="intake"))
