"""A log that grows is put aside while its part writes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.local.process import rotate_logs

ECHO = "for line in __import__('sys').stdin: print(line, end='', flush=True)"


def test_a_log_that_is_large_is_put_aside_while_its_part_writes_on(tmp_path: Path) -> None:
    log, older = tmp_path / "web.log", tmp_path / "web.old.log"
    with log.open("ab") as output:
        part = subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=output, text=True)
    with part:
        assert part.stdin is not None
        for line in ("first", "second", "third"):
            part.stdin.write(f"{line}\n")
            part.stdin.flush()
            while line not in log.read_text("ascii"):
                assert part.poll() is None
            rotate_logs(tmp_path, max_bytes=6)
        part.stdin.close()

    assert older.read_text("ascii") == "first\nsecond\n"
    assert log.read_text("ascii") == "third\n"
