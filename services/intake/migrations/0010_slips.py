"""What a walk counted of slips: whether a source gives them is judged by all of its dossiers."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE intake.quality_walk ADD COLUMN IF NOT EXISTS slips jsonb NOT NULL DEFAULT '{}'")
