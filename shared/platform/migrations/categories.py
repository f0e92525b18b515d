"""How many products each category has: a table that triggers on `products` keep, so that nobody counts them all."""

from __future__ import annotations

# A statement counts what it inserts or deletes at once, a COPY of a million rows as well as one row. Categories are
# locked in the order of their names; a change of stock, which orders make, is none of a category and fires nothing.
_COUNT_BY_CATEGORY = (
    'CREATE TABLE categories (name text COLLATE "C" PRIMARY KEY, product_count bigint NOT NULL)',
    """
    CREATE FUNCTION count_by_category() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'TRUNCATE' THEN
            DELETE FROM categories;
        ELSIF TG_OP = 'UPDATE' THEN
            INSERT INTO categories
            SELECT * FROM (VALUES (OLD.category, -1), (NEW.category, 1)) AS change (name, number) ORDER BY name
            ON CONFLICT (name) DO UPDATE SET product_count = categories.product_count + excluded.product_count;
        ELSE
            INSERT INTO categories
            SELECT category, count(*) * CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END FROM changed GROUP BY 1 ORDER BY 1
            ON CONFLICT (name) DO UPDATE SET product_count = categories.product_count + excluded.product_count;
        END IF;
        RETURN NULL;
    END $$""",
    """
    CREATE TRIGGER count_new AFTER INSERT ON products REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION count_by_category()""",
    """
    CREATE TRIGGER count_moved AFTER UPDATE OF category ON products
        FOR EACH ROW WHEN (OLD.category <> NEW.category) EXECUTE FUNCTION count_by_category()""",
    """
    CREATE TRIGGER count_gone AFTER DELETE ON products REFERENCING OLD TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION count_by_category()""",
    """
    CREATE TRIGGER count_none AFTER TRUNCATE ON products
        FOR EACH STATEMENT EXECUTE FUNCTION count_by_category()""",
    "INSERT INTO categories SELECT category, count(*) FROM products GROUP BY category",
)


def count_by_category() -> None:
    """Add the table, what keeps it, and what it holds today; a version before this one does not mind them."""
    from alembic import op  # noqa: PLC0415  (as in __init__.py)

    for statement in _COUNT_BY_CATEGORY:
        op.execute(statement)
