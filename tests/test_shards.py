"""The shards of `make test`: every test is in one of them, and whoever stops them leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from _pytest.mark.expression import Expression

from deploy.model.home import REPOSITORY
from tests.arms import ARMS
from tests.journeys.waiting import until
from tests.ports import COMMANDS_SHIFT, VARIABLE
from tests.shard_samples import READY
from tests.shards import CONTAINER_SHARDS, NOT_LONG, SHARDS, Shard

SAMPLES = "tests/shard_samples.py"
NAMED, REST = SHARDS[:-1], SHARDS[-1]
FAMILIES = [
    [shard for shard in shards if shard.folders == folders]
    for shards in (NAMED, CONTAINER_SHARDS)
    for folders in sorted({shard.folders for shard in shards})
]
COLLECTION_S = 240


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for temporary files that PostgreSQL can reach where we are root, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="twinshop-test-shards-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def start(shards: list[Shard], folder: Path, *words: str) -> subprocess.Popen[str]:
    """Run these shards beside the session of this test. Their databases listen where its containers would."""
    program = f"import sys; from tests.side_by_side import *; sys.exit(main({shards!r}))"
    settings = {VARIABLE: str(COMMANDS_SHIFT), "TMPDIR": str(folder), READY: str(folder / "ready")}
    return subprocess.Popen(
        [sys.executable, "-c", program, *words], cwd=REPOSITORY, env=os.environ | settings, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def processes_of(folder: Path) -> list[str]:
    """Return what runs with its temporary files below a folder."""
    processes = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR", "").startswith(f"{folder}/"):
                processes.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return processes


def test_folders_of_shards_exist_and_are_the_same_or_apart() -> None:
    families = {shard.folders for shard in NAMED}

    folders = [folder for family in families for folder in family]
    assert all((REPOSITORY / folder).exists() for folder in folders)
    assert not [(one, other) for one in folders for other in folders if one.startswith(f"{other}/")]
    assert len(folders) == len(set(folders))
    assert REST.folders == (".",)
    assert sorted(REST.options) == sorted(f"--ignore={folder}" for folder in folders)


@pytest.mark.parametrize("marked", [None, *ARMS])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family[0].name)
def test_a_test_on_an_arm_or_on_none_is_in_one_shard_of_its_folder(family: list[Shard], marked: str | None) -> None:
    def is_marked(name: str, /, **values: object) -> bool:
        return name == "on" and marked is not None and values.get("arm", marked) == marked

    assert sum(not shard.marks or Expression.compile(shard.marks).evaluate(is_marked) for shard in family) == 1


@pytest.mark.long
@pytest.mark.timeout(COLLECTION_S)
def test_shards_collect_what_one_session_collects_and_nothing_twice() -> None:
    def collect(*arguments: str) -> Counter[str]:
        words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
        process = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout[-2000:] + process.stderr
        return Counter(line for line in process.stdout.splitlines() if "::" in line)

    whole = collect("-m", NOT_LONG)

    assert sum((collect(*shard.arguments) for shard in SHARDS), Counter[str]()) == whole
    assert max(whole.values()) == 1
    assert len(whole) > 1000


def test_a_failing_shard_is_shown_whole_and_last_and_one_line_counts_all(folder: Path) -> None:
    good, bad = (Shard(name, (SAMPLES,), options=("-k", name)) for name in ("quick or skipped", "wrong"))

    process = start([bad, good], folder, "--slowest", "1")
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert output.splitlines()[-1] == "1 passed, 1 failed, 1 skipped"
    assert re.search(r"^ +\d+\.\d\d s  tests\.shard_samples::test_", output, re.MULTILINE)
    assert output.index("a sample of what is skipped") < output.index(f"==> wrong: {bad} <==")
    assert output.index(f"==> wrong: {bad} <==") < output.index("'APPLE-1' == 'BREAD-1'")


def test_a_test_that_passes_alone_is_counted_as_such_and_its_failure_is_shown(folder: Path) -> None:
    shards = [Shard("wrong once", (SAMPLES,), options=("-k", "second_time or quick"))]

    process = start(shards, folder)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0, output
    assert output.splitlines()[-1] == "2 passed (1 of them only when run again, alone), 0 failed, 0 skipped"
    assert "FAILED tests/shard_samples.py::test_passes_the_second_time" in output
    assert (folder / "ready").read_text("utf-8") == "ran\nran\n"


def test_a_shard_that_collects_nothing_fails(folder: Path) -> None:
    process = start([Shard("nothing", (SAMPLES,), options=("-k", "nobody"))], folder)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert output.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_whoever_stops_the_shards_leaves_no_process_and_no_file(number: signal.Signals, folder: Path) -> None:
    shards = [Shard("waits", (SAMPLES,), options=("-k", "waits")), Shard("never", (SAMPLES,), options=("-k", "quick"))]
    process = start(shards, folder, "--jobs", "1")
    until("the databases are up", (folder / "ready").exists, within_s=60)
    running = processes_of(folder)

    process.send_signal(number)
    output, _ = process.communicate(timeout=60)

    assert any("postgres" in command for command in running)
    assert (process.returncode, output.splitlines()) == (130, [f"Stopped by {number.name}."])
    assert processes_of(folder) == []
    assert [path.name for path in folder.iterdir()] == ["ready"]


def test_processes_of_a_shard_that_had_to_be_killed_are_ended(folder: Path) -> None:
    process = start([Shard("waits", (SAMPLES,), options=("-k", "waits"))], folder)
    until("the databases are up", (folder / "ready").exists, within_s=60)
    (shard,) = [child for child in psutil.Process(process.pid).children() if "pytest" in child.cmdline()]

    shard.kill()
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert output.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"
    assert processes_of(folder) == []


def test_a_shard_that_does_not_end_has_failed_and_shows_its_threads(folder: Path) -> None:
    process = start([Shard("hangs", (SAMPLES,), options=("-k", "thread"))], folder, "--longest", "12")
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 1
    assert re.fullmatch(r"[01] passed, 1 failed, 0 skipped", output.splitlines()[-1])
    assert "Fatal Python error: Aborted" in output
