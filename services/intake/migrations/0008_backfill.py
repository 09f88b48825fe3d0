"""What became of an import as a whole: counting a million lines again and again takes too long."""

from alembic import op

from services.intake.store import IMPORT_TOTAL

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(IMPORT_TOTAL)
    op.execute(
        "INSERT INTO intake.import_total SELECT import_id, count(*), sum(accepted), sum(repeated), sum(refused), "
        "count(*) FILTER (WHERE refused > 0) FROM intake.import_line GROUP BY import_id ON CONFLICT DO NOTHING"
    )
