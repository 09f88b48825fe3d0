"""What feedback is found by, and what is told of many reports about one unit or officer."""

from alembic import op

from services.complaints.finding import pattern_store, reports, store

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*store.DDL, *reports.DDL, *pattern_store.DDL):
        op.execute(statement.format(schema="complaints"))
