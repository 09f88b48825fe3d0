"""Who wrote a feedback, sealed apart; who read that; the attachments."""

from alembic import op

from services.complaints.secrecy import attachments, identities

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in (*identities.DDL, *attachments.DDL):
        op.execute(statement.format(schema="complaints"))
