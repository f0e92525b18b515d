"""A file turns the counting of a part off and on again."""

from __future__ import annotations

import time
from pathlib import Path

from variants.uncounted.switch import LOOK_EVERY_S, SwitchedMetrics


def test_a_part_counts_nothing_while_the_file_is_there_that_turns_counting_off(tmp_path: Path) -> None:
    off_file = tmp_path / "uncounted"
    metrics = SwitchedMetrics(str(off_file))

    def count() -> bytes:
        metrics.db_statements.inc()
        metrics.requests.labels("GET", "/products", "200").observe(0.01)
        return metrics.render()

    assert b"db_statements_total 1.0" in count()

    off_file.touch()
    time.sleep(10 * LOOK_EVERY_S)
    text = count()
    assert b"db_statements_total 1.0" in text
    assert b'_count{method="GET",route="/products",status="200"} 1.0' in text

    off_file.unlink()
    time.sleep(10 * LOOK_EVERY_S)
    assert b"db_statements_total 2.0" in count()
