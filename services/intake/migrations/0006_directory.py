"""When reference data were announced: said again to a new hearer, they hold since then."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("unit", "procedure", "calendar"):
        op.execute(f"ALTER TABLE intake.{table} ADD COLUMN IF NOT EXISTS announced_at timestamptz")
