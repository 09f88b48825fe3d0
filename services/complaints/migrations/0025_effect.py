"""Numbers under which feedback came from outside; which unit it counts against, and when what is owed falls due.

Of feedback from before only what stands in the open is known: it counts against no unit until it is decided again.
"""

from alembic import op

from services.complaints import origins
from services.complaints.effects import store

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*origins.DDL, *store.DDL):
        op.execute(statement.format(schema="complaints"))
