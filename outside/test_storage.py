"""Writes that arrive together are committed together, and none is confirmed before it is durable."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from outside.storage import Storage

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, text TEXT NOT NULL)"


def test_a_group_is_committed_as_one_and_read_back_after_reopening(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "notes.sqlite3", SCHEMA)

    async def note(number: int) -> None:
        storage.write("INSERT INTO notes VALUES (?, 'a')", number)
        await storage.wait_committed()

    async def many() -> None:
        await asyncio.gather(*(note(number) for number in range(100)))

    asyncio.run(many())
    storage.close()

    again = Storage(tmp_path / "notes.sqlite3", SCHEMA)
    assert again.read("SELECT count(*) FROM notes") == [(100,)]
    again.close()


def test_closing_commits_what_is_open(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "notes.sqlite3", SCHEMA)

    async def write_and_close() -> None:
        storage.write("INSERT INTO notes VALUES (1, 'a')")
        storage.close()
        await asyncio.sleep(0)

    asyncio.run(write_and_close())

    again = Storage(tmp_path / "notes.sqlite3", SCHEMA)
    assert again.read("SELECT text FROM notes") == [("a",)]
    again.close()


def test_a_statement_that_fails_does_not_take_its_group_with_it(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "notes.sqlite3", SCHEMA)

    async def mixed() -> None:
        storage.write("INSERT INTO notes VALUES (1, 'a')")
        with pytest.raises(sqlite3.IntegrityError):
            storage.write("INSERT INTO notes VALUES (1, 'b')")
        await storage.wait_committed()

    asyncio.run(mixed())

    assert storage.read("SELECT text FROM notes") == [("a",)]
    storage.close()


def test_a_failed_commit_reaches_everyone_who_waits_for_it(tmp_path: Path) -> None:
    storage = Storage(
        tmp_path / "notes.sqlite3",
        f"{SCHEMA}; PRAGMA foreign_keys = ON; CREATE TABLE IF NOT EXISTS replies ("
        " note INTEGER REFERENCES notes (number) DEFERRABLE INITIALLY DEFERRED)",
    )

    async def reply_to(note: int) -> None:
        storage.write("INSERT INTO replies VALUES (?)", note)
        await storage.wait_committed()

    async def two_at_once() -> list[BaseException | None]:
        return await asyncio.gather(reply_to(404), reply_to(405), return_exceptions=True)

    outcomes = asyncio.run(two_at_once())

    assert [type(outcome) for outcome in outcomes] == [sqlite3.IntegrityError] * 2
    assert storage.read("SELECT count(*) FROM replies") == [(0,)]
    storage.close()
