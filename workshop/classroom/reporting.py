"""The participant's side: reports after each step, where they have asked for it; a room that is away costs no lab."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from deploy.model.errors import DeployError
from deploy.model.home import Home, read_json, write_atomically, writing
from deploy.runner.console import console
from workshop import labs
from workshop.classroom.report import PATH, LabReport, Report
from workshop.progress import Progress, folder_of

TIMEOUT_S = 1.0


def path_of(home: Home) -> Path:
    """Return where a participant's choice is kept; without the file nothing is reported."""
    return folder_of(home) / "reports-to.json"


def choose(home: Home, url: str, name: str) -> None:
    """Report to this address under this name from now on, and at once. Raises DeployError."""
    split = urlsplit(url)
    if split.scheme not in ("http", "https") or not split.hostname:
        raise DeployError(f"'{url}' is no address of a room: write http://192.168.1.5:8070, as your instructor says.")
    path = path_of(home)
    known = read_json(path) or {}
    choice = {"url": url.rstrip("/"), "name": name.strip(), "id": known.get("id") or uuid.uuid4().hex}
    try:
        Report(id=choice["id"], name=choice["name"], labs={})
    except ValidationError:
        raise DeployError("A name has 1 to 40 printable characters: `--as NAME`.") from None
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(choice) + "\n")
    if (why := send(home)) is not None:
        raise DeployError(f"The room at {url} was not reached: {why}. It will be told after your next step.")


def leave(home: Home) -> bool:
    """Report no more; return whether anything was reported."""
    path = path_of(home)
    was_there = path.exists()
    path.unlink(missing_ok=True)
    return was_there


class Reporter:
    """Reports during a lab. A room that does not answer is said once, and asked no more for as long as this runs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._is_on = path_of(home).exists()

    def tell(self, number: int = 0, trouble: str = "") -> None:
        """Tell how far all labs are; `trouble` is that of the lab of this number."""
        if self._is_on and (why := send(self._home, number, trouble)) is not None:
            self._is_on = False
            console.print(f"[dim]The room was not told how far you are ({why}); nothing is lost by that.[/]")


def send(home: Home, number: int = 0, trouble: str = "") -> str | None:
    """Send what is done, if the participant chose to; return why it did not arrive, if it did not."""
    choice = read_json(path_of(home))
    if not choice:
        return None
    progress, reports = Progress(home), {}
    for lab in labs.every():
        mine, steps = progress.of(lab.number), sum(len(section.steps) for section in lab.sections)
        if mine.steps_done or mine.done_at or mine.solved_at:
            reports[str(lab.number)] = LabReport(
                steps_done=min(mine.steps_done, steps), steps=steps, done=bool(mine.done_at),
                solved=bool(mine.solved_at), trouble=trouble[:200] if lab.number == number else "",
            )  # fmt: skip
    report = Report(id=choice["id"], name=choice["name"], labs=reports)
    request = urllib.request.Request(  # noqa: S310  (checked when it was chosen)
        choice["url"] + PATH, report.model_dump_json().encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}"
    except (urllib.error.URLError, OSError) as error:
        return str(getattr(error, "reason", error))
