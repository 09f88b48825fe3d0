"""The ledger of what was pressed, the audit, and what an operator lets leave the house."""

from alembic import op

from services.notify.audit import store as audit
from services.notify.ledger import store as ledger
from services.notify.modes import modes

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*ledger.DDL, *audit.DDL, modes.DDL):
        op.execute(statement.format(schema="notify"))
