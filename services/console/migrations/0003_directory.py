"""Units with their time and successors, and which unit an obligation's words mean."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE console.obligation ADD COLUMN unit_code text")
    op.execute(
        "ALTER TABLE console.unit ADD COLUMN valid_from date, ADD COLUMN valid_until date, "
        "ADD COLUMN successors jsonb NOT NULL DEFAULT '[]'"
    )
