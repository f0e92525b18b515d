"""Which customer was answered by which version of a part: rows on disk, beside those of the requests."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FILE = "versions.csv.gz"
HEADER = "x-answered-by"  # of the edge, where it shares requests out


class Seen(NamedTuple):
    """One request. `arrival` is that of its row; `version` is the cluster that answered, empty if nobody said so."""

    arrival: int
    due_s: float
    customer: str
    version: str
    outcome: str


def write_seen(path: Path, rows: Iterable[Seen]) -> None:
    """Write the rows as gzipped CSV, in the order of the arrivals."""
    with gzip.open(path, "wt", newline="", compresslevel=3) as file:
        writer = csv.writer(file)
        writer.writerow(Seen._fields)
        writer.writerows(sorted(rows))


def read_seen(path: Path) -> list[Seen]:
    """Return the rows that `write_seen` wrote."""
    with gzip.open(path, "rt", newline="") as file:
        return [
            Seen(int(row["arrival"]), float(row["due_s"]), row["customer"], row["version"], row["outcome"])
            for row in csv.DictReader(file)
        ]
