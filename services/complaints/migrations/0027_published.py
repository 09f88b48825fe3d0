"""The words in which questions and answers are published, and the order in which all read them.

What was published before was not worded for all: it is shown once an officer publishes it again.
"""

from alembic import op

from services.complaints.publishing import store

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in store.DDL:
        op.execute(statement.format(schema="complaints"))
