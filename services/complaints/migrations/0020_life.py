"""A feedback's life: number and secret parted, kind, handler, terms, history; officers; copies of units and dossiers.

Whoever filed before has one word for both, which goes on to open the feedback as its number and as its secret.
"""

from alembic import op

revision = "0020"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = (
    "secret_hash bytea",
    "source text NOT NULL DEFAULT 'api'",
    "sealed bytea",
    "sealed_answer bytea",
    "kind text NOT NULL DEFAULT 'reflection'",
    "kind_by text",
    "suspected boolean NOT NULL DEFAULT false",
    "restricted boolean NOT NULL DEFAULT false",
    "hides_identity boolean NOT NULL DEFAULT false",
    "anonymous boolean NOT NULL DEFAULT false",
    "field text",
    "categories text[] NOT NULL DEFAULT '{}'",
    "place text",
    "handler text",
    "not_to text[] NOT NULL DEFAULT '{}'",
    "procedure text",
    "state text NOT NULL DEFAULT 'received'",
    "terms jsonb NOT NULL DEFAULT '[]'",
    "been text[] NOT NULL DEFAULT '{}'",
    "moves integer NOT NULL DEFAULT 0",
    "reopened integer NOT NULL DEFAULT 0",
    "rating integer",
    "joined_to text",
    "published_at timestamptz",
)
TABLES = (
    """
    CREATE TABLE complaints.step (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        code text NOT NULL,
        revision integer NOT NULL,
        at timestamptz NOT NULL,
        act text NOT NULL,
        actor text NOT NULL,
        unit text,
        note bytea STORAGE EXTERNAL
    )
    """,  # note: under seal, whoever wrote it
    "CREATE INDEX step_code ON complaints.step (code, id)",
    """
    CREATE TABLE complaints.officer (
        id text PRIMARY KEY,
        unit text,
        person text,
        roles text[] NOT NULL,
        key_id text NOT NULL UNIQUE,
        key_hash bytea NOT NULL,
        disabled_at timestamptz,
        made_at timestamptz NOT NULL
    )
    """,
    "CREATE TABLE complaints.unit (code text PRIMARY KEY, revision bigint NOT NULL, doc jsonb NOT NULL)",
    """
    CREATE TABLE complaints.dossier (
        code text PRIMARY KEY,
        revision bigint NOT NULL,
        unit text,
        holder text,
        procedure text,
        field text
    )
    """,
    "CREATE INDEX complaint_handler ON complaints.complaint (handler, id)",
    "CREATE INDEX complaint_dossier ON complaints.complaint (dossier) WHERE dossier IS NOT NULL",
)


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE complaints.complaint ADD COLUMN {column}")
    op.execute("ALTER TABLE complaints.complaint ALTER COLUMN text DROP NOT NULL")
    op.execute("UPDATE complaints.complaint SET secret_hash = sha256(convert_to(code, 'UTF8'))")
    op.execute("UPDATE complaints.complaint SET state = 'answered', kind_by = '-' WHERE answered_at IS NOT NULL")
    op.execute("ALTER TABLE complaints.complaint ALTER COLUMN secret_hash SET NOT NULL")
    for column in ("sealed", "sealed_answer"):  # what is sealed cannot be compressed
        op.execute(f"ALTER TABLE complaints.complaint ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for statement in TABLES:
        op.execute(statement)
