"""Asks the twelve claims, one experiment after the other, and keeps what is there: what is missing can be asked later.

What has been asked is read from the reports themselves. Beside the page lies what no report tells: since when the
claims are asked anew, and which experiment failed.
"""

from __future__ import annotations

import itertools
import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from deploy import stacks
from deploy.model.errors import DeployError
from deploy.model.home import read_json, write_atomically
from deploy.model.topology import SHOPS
from loadtests.engine import environment, registry, report_folder
from loadtests.engine.claim_experiments import ASKS, Ask
from loadtests.engine.registry import Experiment
from loadtests.report import claims_page
from loadtests.report.claims import CLAIMS, NOT_MEASURED, in_words
from loadtests.report.claims_page import Answer
from loadtests.report.figures import all_figures
from loadtests.report.result import INDEX, RESULT, BadResult, Result, read
from loadtests.report.words import plural, sentence_of_list

FOLDER, STATE = "claims", "state.json"
LIMIT_S = 30 * 60.0  # of the quick forms: nothing is begun that would end after it
Predictions = Mapping[str, Sequence[tuple[str, str]]]  # by claim: what was asked beforehand, and what somebody said


@dataclass
class State:
    """What is kept beside the page. Times are ISO, of UTC; forms are `quick` and `full`."""

    since: dict[str, str] = field(default_factory=dict)  # by form: older reports of it are to be asked anew
    failures: dict[str, dict[str, str]] = field(default_factory=dict)  # by experiment: form, at, reason


@dataclass(frozen=True)
class Report:
    """A result that says something about a claim, and the name of its folder."""

    result: Result
    name: str

    @property
    def form(self) -> str:
        """quick or full."""
        return "quick" if self.result.get("quick") else "full"


class Claims:
    """The claims of one folder of reports. `experiments` may be others than ours: by claim, found as registry does."""

    def __init__(
        self, reports: Path = report_folder.REPORTS, *, asks: Mapping[str, Ask] = ASKS,
        find: Callable[[str], Experiment] = registry.find, predictions: Predictions | None = None,
    ) -> None:  # fmt: skip
        self.reports, self.asks, self._find, self._predictions = reports, asks, find, predictions or {}
        self.page = reports / FOLDER / INDEX
        self._reports: dict[Path, Report | None] = {}
        self._state = State(**(read_json(self.page.with_name(STATE)) or {}))

    def missing(self, form: str, again: Iterable[str] = ()) -> list[str]:
        """Return which claims have no answer in this form (a full one will do for a quick one), or are asked again."""
        since, repeated = self._state.since.get(form, ""), set(again)
        missing = []
        for claim, ask in self.asks.items():
            report = next(self._reports_of(claim, ask, form), None)
            if claim in repeated or report is None or report.result["started_at"] < since:
                missing.append(claim)
        return missing

    def start_over(self, form: str) -> None:
        """Have all claims asked anew in this form; what is there stays on the page until it is replaced."""
        self._state.since[form] = _now()
        self._keep()

    def ask(self, claims: Sequence[str], *, full: bool, seed: int, tell: Callable[[str], None]) -> list[str]:
        """Ask these claims, one after the other, writing the page anew after each; return those without an answer.

        What failed or was void is asked once more at the end. Ctrl-C goes through: what was measured before it is
        kept. Quick forms end before LIMIT_S, or what is left of them is told.
        """
        began, form, to_ask, attempts = time.monotonic(), "full" if full else "quick", [*claims], set[str]()
        expected_s = 0.0  # of those that have been asked: a slow machine takes longer for all of them
        self.draw()
        while to_ask:
            claim, elapsed_s = to_ask[0], time.monotonic() - began
            pace = max(1.0, elapsed_s / expected_s) if expected_s else 1.0
            takes_s = [pace * self.takes_s(one, form) for one in to_ask]
            if not full and attempts and elapsed_s + takes_s[0] > LIMIT_S:
                tell(f"Half an hour is nearly over: {sentence_of_list(to_ask)} can be asked later.")
                break
            experiment = self._find(self.asks[claim].experiment)
            tell(
                f"\n[bold]{claim}[/] {CLAIMS[claim]} [dim]({experiment.name}; about {_minutes(sum(takes_s))} to go)[/]"
            )
            expected_s += takes_s[0] / pace
            is_answered = self._ask(claim, experiment, form, seed, tell)
            to_ask = [*to_ask[1:], *([] if is_answered or claim in attempts else [claim])]
            attempts.add(claim)
        return [claim for claim in self.missing(form) if claim in attempts.union(to_ask)]

    def _ask(self, claim: str, experiment: Experiment, form: str, seed: int, tell: Callable[[str], None]) -> bool:
        """Run the experiment of a claim, and tell whether that says anything of it."""
        self._state.failures.pop(experiment.name, None)
        options = self.asks[claim].quick if form == "quick" else {}
        try:
            result, _ = report_folder.conduct(
                experiment, quick=form == "quick", seed=seed, options=options, reports=self.reports
            )
            verdict, evidence = next(
                (row["verdict"], row["evidence"]) for row in result["claims"] if row["id"] == claim
            )
            tell(f"[bold]{claim} {in_words(verdict, quick=form == 'quick')}.[/] {escape(evidence)}")
        except Exception as error:  # one that fails keeps none of the others from being asked
            verdict = NOT_MEASURED
            self._note_failure(experiment.name, form, error)
            tell(f"[red]{claim} failed:[/] {escape(self._state.failures[experiment.name]['reason'])}")
            stacks.down(SHOPS)  # whatever it has left up would be beside the next one
        self._keep()
        self.draw()
        return verdict != NOT_MEASURED

    def takes_s(self, claim: str, form: str) -> float:
        """Return about how long an experiment takes: what it took last time on this machine, or on an idle one."""
        ask = self.asks[claim]
        for report in self._reports_of(claim, ask, form):
            if report.form == form:
                return report.result["duration_s"]
        return ask.quick_s if form == "quick" else 60.0 * ask.full_minutes

    def answers(self) -> list[Answer]:
        """Return what the reports say of each claim: the newest full form, else the newest quick one."""
        return [self._answer(claim, ask) for claim, ask in self.asks.items()]

    def draw(self) -> Path:
        """Write the page, and return its path."""
        html = claims_page.render(self.answers(), environment.commit(), datetime.now(UTC))
        self.page.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.page, html)
        return self.page

    def _answer(self, claim: str, ask: Ask) -> Answer:
        full, quick = (self._reports_of(claim, ask, form) for form in ("full", "quick"))
        report = next(itertools.chain(full, quick, self._reports_of(claim, ask, "quick", unmeasured=True)), None)
        failure = self._state.failures.get(ask.experiment, {})
        if report and failure.get("at", "") < report.result["started_at"]:
            failure = {}
        headline = plot = None
        if report:
            experiment = self._find(ask.experiment)
            lead = experiment.headlines().get(claim)
            headline = lead(report.result) if lead else None
            plots = all_figures(report.result, experiment.plots())
            plot = next((plot for plot in plots if plot["id"] == ask.plot), plots[0] if plots else None)
        return Answer(
            claim=claim, experiment=ask.experiment, would_show=ask.would_show,
            full_form=f"make experiment NAME={ask.experiment}", full_minutes=ask.full_minutes,
            result=report.result if report else None, report=report.name if report else "",
            failure=failure.get("reason", ""), headline=headline, plot=plot,
            predictions=self._predictions.get(claim, ()),
        )  # fmt: skip

    def _reports_of(self, claim: str, ask: Ask, form: str, *, unmeasured: bool = False) -> Iterator[Report]:
        """Yield the reports that say something of a claim, or of which one would expect it, the newest first.

        A full form will do for a quick one.
        """
        for path in sorted(self.reports.glob(f"2*-{ask.experiment}*/{RESULT}"), reverse=True):
            report = self._report(path)
            if report is None or report.result["experiment"] != ask.experiment or form not in ("quick", report.form):
                continue
            verdict = next((row["verdict"] for row in report.result["claims"] if row["id"] == claim), NOT_MEASURED)
            if unmeasured or verdict != NOT_MEASURED:
                yield report

    def _report(self, path: Path) -> Report | None:
        """Return the report of a result.json, which never changes; None of one that cannot be read."""
        if path not in self._reports:
            try:
                self._reports[path] = Report(read(path), path.parent.name)
            except BadResult:
                self._reports[path] = None
        return self._reports[path]

    def _note_failure(self, experiment: str, form: str, error: Exception) -> None:
        log = self.page.with_name(f"{experiment}.log")
        reason = str(error) if isinstance(error, DeployError) else f"{type(error).__name__}: {error} (see {log.name})"
        log.write_text("".join(traceback.format_exception(error)), "utf-8")
        self._state.failures[experiment] = {"form": form, "at": _now(), "reason": reason.strip()[:600]}

    def _keep(self) -> None:
        self.page.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.page.with_name(STATE), json.dumps(asdict(self._state), indent=1) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _minutes(seconds: float) -> str:
    return plural(max(1, round(seconds / 60)), "minute")
