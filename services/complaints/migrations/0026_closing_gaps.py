"""A pepper for digests, numbers of patterns that tell no order, who changed which officer, remote and second instance.

Digests of numbers from outside were made without the pepper: they are forgotten, and each number may come in again.
"""

from alembic import op

from services.complaints import officers
from services.complaints.secrecy import pepper

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

CHANGES = (
    "DELETE FROM complaints.origin",
    "ALTER TABLE complaints.pattern ADD COLUMN IF NOT EXISTS code text NOT NULL UNIQUE "
    "DEFAULT 'DH-' || upper(left(gen_random_uuid()::text, 8))",
    "ALTER TABLE complaints.complaint ADD COLUMN remote boolean NOT NULL DEFAULT false",
    "ALTER TABLE complaints.complaint ADD COLUMN instance integer NOT NULL DEFAULT 1",
)


def upgrade() -> None:
    for statement in (*pepper.DDL, *officers.CHANGE_DDL, *CHANGES):
        op.execute(statement.format(schema="complaints"))
