"""Names, descriptions and categories are kept in Unicode's form NFC, in which they are searched for."""

from alembic import op

revision = "0004"
down_revision = "0003"

COMPOSE = """
UPDATE products SET name = normalize(name), description = normalize(description), category = normalize(category)
WHERE name IS NOT NORMALIZED OR description IS NOT NORMALIZED OR category IS NOT NORMALIZED"""


def upgrade() -> None:
    """Write anew the products of before that a composed word would not find; most have nothing to compose."""
    op.execute(COMPOSE)
