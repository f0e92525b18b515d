"""The table of results in the README: nothing stands in it but what a result in docs/results says.

`python -m loadtests.report.published reports/latest` publishes a result there and writes the table anew.
"""

from __future__ import annotations

import json
import sys
from itertools import dropwhile
from pathlib import Path

from deploy.model.home import REPOSITORY
from loadtests.report.result import Result, all_violations, check, read
from loadtests.report.words import plural

RESULTS = REPOSITORY / "docs" / "results"
README = REPOSITORY / "README.md"
HEAD = "| experiment | what its result says | how it was measured |\n|---|---|---|\n"


def publish(result: Result) -> Path:
    """Write a result to docs/results without its raw data (rows and histograms of single runs), and return the path."""
    runs = [{name: value for name, value in run.items() if name not in ("raw", "histograms")} for run in result["runs"]]
    text = json.dumps({**result, "runs": runs}, indent=None, allow_nan=False)
    check(text)
    path = RESULTS / f"{result['experiment']}.json"
    path.write_text(text + "\n", "utf-8")
    return path


def table() -> str:
    """Return the table of all published results."""
    lines = []
    for path in sorted(RESULTS.glob("*.json")):
        result = read(path)
        answer = " ".join(result["answer"]).replace("|", "\\|")
        lines.append(f"| [`{result['experiment']}`](docs/results/{path.name}) | {answer} | {design(result)} |\n")
    return HEAD + "".join(lines)


def design(result: Result) -> str:
    """Return how a result came about: form, starts, pairs, gate, books, commit, day and how busy the machine was."""
    ratios, gate, env = list(result["comparison"].values()), result["aa_gate"], result["environment"]
    options = "".join(f" `--set {name}={value}`" for name, value in result.get("options", {}).items())
    notes = [f"{'quick' if result.get('quick') else 'full'} form{options}, {plural(len(result['runs']), 'run')}"]
    if void := sum(run["void"] for run in result["runs"]):
        notes.append(f"{void} of them void")
    if repeated := [row for row in ratios if row.get("pairs", 1) > 1]:
        sessions = max(row.get("sessions", 1) for row in repeated)
        notes.append(f"{plural(sessions, 'start')}, {plural(max(row['pairs'] for row in repeated), 'pair')}")
    notes.append("no A/A gate" if gate is None else f"A/A gate {'passed' if gate['passed'] else 'failed'}")
    violations = len(all_violations(result))
    notes.append(f"{violations} promises broken" if violations else "books right")
    load = env.get("load_average", [0.0])[0]
    return f"{'; '.join(notes)}; commit {env['commit'][:12]}, {result['started_at'][:10]}, load {load:.1f} before it"


def with_table(readme: str) -> str:
    """Return the README with its table of results as it has to be. Raises ValueError if it has none."""
    before, head, rest = readme.partition(HEAD)
    if not head:
        raise ValueError("The README has no table of results.")
    after = dropwhile(lambda line: line.startswith("|"), rest.splitlines(keepends=True))
    return before + table() + "".join(after)


def main() -> None:
    """Publish the results in these folders, and write the table."""
    for folder in sys.argv[1:]:
        publish(read(Path(folder)))
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
