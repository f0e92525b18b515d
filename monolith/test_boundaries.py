"""A module's tables are its own: no other module names them in SQL, where no import would show it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table

from monolith import idempotency
from monolith.catalog import tables as catalog_tables
from monolith.database import metadata
from monolith.notifications import tables as notifications_tables
from monolith.orders import tables as orders_tables
from monolith.payments import tables as payments_tables

MONOLITH = Path(__file__).parent
MODULES = {
    "catalog": catalog_tables,
    "notifications": notifications_tables,
    "orders": orders_tables,
    "payments": payments_tables,
}
OWN = {
    name: {table.name for table in vars(module).values() if isinstance(table, Table)}
    for name, module in MODULES.items()
}
# A table, or several with commas between, after the word that stands before one in SQL.
_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|TRUNCATE|ANALYZE|TABLE|USING)\s+((?:[a-z_]+)(?:,\s*[a-z_]+)*)")


def tables_named_in(source: str) -> set[str]:
    """Return the tables that the strings of a program name."""
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return {
        table.strip()
        for text in texts
        if isinstance(text, str)
        for names in _NAMED.findall(text)
        for table in names.split(",")
    } & set(metadata.tables)


def programs(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in folder.glob(pattern) if not path.name.startswith(("test_", "conftest")))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_names_no_table_of_another(module: str) -> None:
    for path in programs(MONOLITH / module, "**/*.py"):
        assert tables_named_in(path.read_text("utf-8")) <= OWN[module], path


def test_what_all_modules_share_names_no_table_of_any() -> None:
    for path in programs(MONOLITH, "*.py"):
        assert tables_named_in(path.read_text("utf-8")) <= {idempotency.keys.name}, path


def test_every_table_belongs_to_one_module() -> None:
    assert sorted([idempotency.keys.name, *(table for tables in OWN.values() for table in tables)]) == sorted(
        metadata.tables
    )


def test_a_table_of_another_module_would_be_found() -> None:
    joined = 'SQL = text(f"DELETE FROM idempotency_keys USING old JOIN orders ON {CONDITION}")'
    listed = 'text("TRUNCATE products, stock")'

    assert tables_named_in(joined) == {"idempotency_keys", "orders"}
    assert tables_named_in(listed) == {"products", "stock"}
