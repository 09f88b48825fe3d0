"""What is under seal leaves no procedure in the open; what was sealed before this release did."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE complaints.complaint SET procedure = NULL WHERE sealed IS NOT NULL AND procedure IS NOT NULL")
