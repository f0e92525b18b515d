"""The provider's durable ledger: at most one outcome for a key, whatever is sent, how often, and all at once."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from outside.http import Rejection
from outside.storage import Storage

Outcome = Literal["captured", "declined", "voided"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
    merchant TEXT NOT NULL,
    key TEXT NOT NULL,
    charge_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('undecided', 'captured', 'declined', 'voided')),
    amount INTEGER,  -- minor units; unknown if the key was voided before any charge
    currency TEXT,
    payment_method TEXT,
    reason TEXT,
    attempts INTEGER NOT NULL,
    created_at REAL NOT NULL,  -- Unix seconds
    PRIMARY KEY (merchant, key)
);
CREATE TABLE IF NOT EXISTS refunds (
    merchant TEXT NOT NULL,
    key TEXT NOT NULL,
    refund_key TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    created_at REAL NOT NULL,
    PRIMARY KEY (merchant, key, refund_key)
);
"""
_COLUMNS = "key, charge_id, status, amount, currency, payment_method, reason, attempts"


@dataclass(frozen=True, slots=True)
class Charge:
    """One key of a merchant. `undecided`: attempts were counted, but no money was taken or refused yet."""

    key: str
    charge_id: str
    status: Literal["undecided", "captured", "declined", "voided"]
    amount: int | None
    currency: str | None
    payment_method: str | None
    reason: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund of a charge, and what the charge has had refunded in all (minor units)."""

    refund_key: str
    amount: int
    refunded_total: int


class Ledger:
    """Each method is one step that nothing can come between: all run on one event loop, on one connection.

    Callers await `storage.wait_committed()` before they tell anyone what was written or read.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises sqlite3.Error."""
        self.storage = Storage(path, _SCHEMA)

    def attempt(self, merchant: str, key: str, amount: int, currency: str, payment_method: str) -> Charge:
        """Count an attempt to charge and return the charge as it stands. Raises Rejection if the amount differs."""
        rows = self.storage.write(
            "INSERT INTO charges VALUES (?, ?, ?, 'undecided', ?, ?, ?, NULL, 1, ?)"  # noqa: S608
            " ON CONFLICT (merchant, key) DO UPDATE SET attempts = attempts + 1,"
            " amount = coalesce(amount, excluded.amount), currency = coalesce(currency, excluded.currency),"
            " payment_method = iif(status = 'undecided', excluded.payment_method, payment_method)"
            f" RETURNING {_COLUMNS}",
            merchant,
            key,
            f"ch_{uuid.uuid4().hex[:24]}",
            amount,
            currency,
            payment_method,
            time.time(),
        )
        charge = Charge(*rows[0])
        if (charge.amount, charge.currency) != (amount, currency):
            raise Rejection(
                409, "key_reused", f"This key is for {charge.amount} {charge.currency}, not {amount} {currency}."
            )
        return charge

    def decide(self, merchant: str, key: str, status: Outcome, reason: str | None) -> Charge:
        """Decide a charge that was attempted, unless it is decided already. Return it as it now stands."""
        rows = self.storage.write(
            "UPDATE charges SET status = ?, reason = ?"  # noqa: S608
            f" WHERE merchant = ? AND key = ? AND status = 'undecided' RETURNING {_COLUMNS}",
            status,
            reason,
            merchant,
            key,
        )
        return Charge(*rows[0]) if rows else self.find(merchant, key)

    def void(self, merchant: str, key: str) -> Charge:
        """Refuse every charge with this key that has not been decided; return the charge as it now stands."""
        rows = self.storage.write(
            "INSERT INTO charges VALUES (?, ?, ?, 'voided', NULL, NULL, NULL, NULL, 0, ?)"  # noqa: S608
            " ON CONFLICT (merchant, key) DO UPDATE SET status = 'voided'"
            f" WHERE status = 'undecided' RETURNING {_COLUMNS}",
            merchant,
            key,
            f"ch_{uuid.uuid4().hex[:24]}",
            time.time(),
        )
        return Charge(*rows[0]) if rows else self.find(merchant, key)

    def find(self, merchant: str, key: str) -> Charge:
        """Return a charge. Raises Rejection (404)."""
        rows = self.storage.read(
            f"SELECT {_COLUMNS} FROM charges WHERE merchant = ? AND key = ?",  # noqa: S608
            merchant,
            key,
        )
        if not rows:
            raise Rejection(404, "not_found", "There is no charge with this key.")
        return Charge(*rows[0])

    def refund(self, merchant: str, key: str, refund_key: str, amount: int) -> Refund:
        """Give money back once for a refund key. Raises Rejection: 404, 409 not_captured, refund_exceeds_capture."""
        charge = self.find(merchant, key)
        refunds = dict(self.refunds_of(merchant, key))
        if refunds.setdefault(refund_key, amount) != amount:
            raise Rejection(409, "key_reused", f"This refund key is for {refunds[refund_key]}, not {amount}.")
        if charge.status != "captured" or charge.amount is None:
            raise Rejection(409, "not_captured", f"This charge is {charge.status}.")
        if (total := sum(refunds.values())) > charge.amount:
            most = charge.amount - total + amount
            raise Rejection(409, "refund_exceeds_capture", f"At most {most} can still be refunded.")
        self.storage.write(
            "INSERT OR IGNORE INTO refunds VALUES (?, ?, ?, ?, ?)",
            merchant,
            key,
            refund_key,
            amount,
            time.time(),
        )
        return Refund(refund_key, amount, total)

    def all_charges(self, merchant: str) -> list[dict[str, Any]]:
        """Return all charges of a merchant in the order of their first attempts, with their refunds."""
        refunds: dict[str, list[dict[str, Any]]] = {}
        for key, refund_key, amount in self.storage.read(
            "SELECT key, refund_key, amount FROM refunds WHERE merchant = ? ORDER BY rowid", merchant
        ):
            refunds.setdefault(key, []).append({"refund_key": refund_key, "amount": amount})
        names = _COLUMNS.split(", ")
        rows = self.storage.read(
            f"SELECT {_COLUMNS} FROM charges WHERE merchant = ? ORDER BY rowid",  # noqa: S608
            merchant,
        )
        return [{**dict(zip(names, row, strict=True)), "refunds": refunds.get(row[0], [])} for row in rows]

    def delete_all(self, merchant: str) -> int:
        """Delete a merchant's charges and refunds; return how many charges there were."""
        deleted = self.storage.write("DELETE FROM charges WHERE merchant = ? RETURNING 1", merchant)
        self.storage.write("DELETE FROM refunds WHERE merchant = ?", merchant)
        return len(deleted)

    def refunds_of(self, merchant: str, key: str) -> list[tuple[Any, ...]]:
        return self.storage.read(
            "SELECT refund_key, amount FROM refunds WHERE merchant = ? AND key = ? ORDER BY rowid", merchant, key
        )
