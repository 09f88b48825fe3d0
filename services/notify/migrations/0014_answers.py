"""Answers by the link in a mail, what they hold back, and absences that heads tell themselves."""

from alembic import op

from services.notify.addressing import absences
from services.notify.answering import store

revision = "0014"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*store.DDL, *absences.DDL):
        op.execute(statement.format(schema="notify"))
