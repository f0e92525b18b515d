"""Which customer was answered by which version of a part: rows on disk, beside those of the requests."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

FILE = "versions.csv.gz"
HEADER = "x-answered-by"  # of the edge, where it shares requests out


class AnsweringVersion(NamedTuple):
    """One request. `arrival` is that of its row; `version` is the cluster that answered, empty if nobody said so."""

    arrival: int
    due_s: float
    customer: str
    version: str
    outcome: str


def write_versions(path: Path, rows: Iterable[AnsweringVersion]) -> None:
    """Write the rows as gzipped CSV, in the order of the arrivals."""
    with gzip.open(path, "wt", newline="", compresslevel=3) as file:
        writer = csv.writer(file)
        writer.writerow(AnsweringVersion._fields)
        writer.writerows(sorted(rows))


def read_versions(path: Path) -> list[AnsweringVersion]:
    """Return the rows that `write_versions` wrote."""
    with gzip.open(path, "rt", newline="") as file:
        return [
            AnsweringVersion(int(row["arrival"]), float(row["due_s"]), row["customer"], row["version"], row["outcome"])
            for row in csv.DictReader(file)
        ]
