"""Draws the page of the twelve claims: what each experiment's result says of its claim, in one file for everybody.

Nothing but results is drawn, and what is known where there is none: that an experiment failed, or was not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loadtests.report import page
from loadtests.report.claims import CLAIMS, NOT_MEASURED, NOT_SHOWN, REFUTED, SUPPORTED, in_words
from loadtests.report.headline import Headline
from loadtests.report.plot import Figure
from loadtests.report.published import design
from loadtests.report.result import Environment, Result, all_violations
from loadtests.report.sections import BUSY_SHARE
from loadtests.report.words import build_name, number, plural, sentence_of_list

FAILED, NOT_ASKED, WRONG_BOOKS = "failed", "not asked yet", "proves nothing"
# In words, and with a mark of its own each: nobody has to tell colours apart.
MARKS = {
    SUPPORTED: "✓", REFUTED: "✗", NOT_SHOWN: "≈", NOT_MEASURED: "–", FAILED: "!", NOT_ASKED: "…", WRONG_BOOKS: "!",  # noqa: RUF001
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What is known of a claim. `report` is the folder of `result`, `failure` why there is none, or no newer one.

    `would_show`: what would, where nothing is shown. `predictions`: what was asked beforehand, and what somebody said.
    """

    claim: str
    experiment: str
    would_show: str
    full_form: str
    full_minutes: int
    result: Result | None = None
    report: str = ""
    failure: str = ""
    headline: Headline | None = None
    plot: Figure | None = None
    predictions: Sequence[tuple[str, str]] = field(default_factory=tuple)

    @property
    def text(self) -> str:
        """The claim in a sentence."""
        return CLAIMS[self.claim]

    @property
    def verdict(self) -> str:
        """What the result says of the claim, or why it says nothing."""
        if self.result is None:
            return FAILED if self.failure else NOT_ASKED
        return WRONG_BOOKS if all_violations(self.result) else self._row["verdict"]

    @property
    def is_indicative(self) -> bool:
        """Whether it is a tendency only: a short form gives no verdict."""
        return self.in_words != self.verdict

    @property
    def in_words(self) -> str:
        """The verdict as it is told: `indicative: supported` of a quick form."""
        return in_words(self.verdict, quick=bool(self.result and self.result.get("quick")))

    @property
    def evidence(self) -> str:
        """What the verdict rests on."""
        return str(self._row["evidence"]) if self.result else ""

    @property
    def commit(self) -> str:
        """The commit of the code that measured."""
        return self.result["environment"]["commit"] if self.result else ""

    @property
    def void(self) -> list[str]:
        """Why runs count for nothing, each reason once."""
        runs = self.result["runs"] if self.result else []
        return list(dict.fromkeys(f"{build_name(run['build'])}: {'; '.join(run['void_reasons'])}"
                                  for run in runs if run["void"]))  # fmt: skip

    @property
    def design(self) -> str:
        """How it was measured: form, runs, starts, gate, books, commit, day, load."""
        return design(self.result) if self.result else ""

    @property
    def _row(self) -> Mapping[str, Any]:
        assert self.result is not None
        return next(row for row in self.result["claims"] if row["id"] == self.claim)


def render(answers: Sequence[Answer], commit: str, now: datetime) -> str:
    """Return the page of all claims, in the order given; `commit` is that of the code as it is now."""
    results = [one.result for one in answers if one.result]
    plots = {one.claim: one.plot for one in answers if one.plot}
    figures = [plot | {"id": claim} for claim, plot in plots.items()]
    arms = [run["build"] for result in results for run in result["runs"]]
    return page.template("claims.html.j2").render(
        answers=answers,
        plots=plots,
        marks=MARKS,
        not_shown=NOT_SHOWN,
        summary=summary(answers),
        form=form(results),
        warnings=warnings(answers, commit),
        machines=machines(results),
        commits=list(dict.fromkeys(one.commit for one in answers if one.result)) or [commit],
        dates=dates(results, now),
        figures_json=page.as_json(figures),
        css=page.own("page.css") + page.own("claims.css") + page.arm_colours(arms),
        script=page.own("page.js"),
        plotly=page.plotly() if figures else "",
    )


def summary(answers: Sequence[Answer]) -> str:
    """Return how many claims have which verdict: `Indicative: 5 supported, 2 refuted; 5 not shown`."""
    count = Counter((one.verdict, one.is_indicative) for one in answers)

    def counts(indicative: bool) -> str:
        return ", ".join(f"{count[one, indicative]} {one}" for one in MARKS if count[one, indicative])

    short, rest = counts(True), counts(False)
    return "; ".join(part for part in (f"Indicative: {short}" if short else "", rest) if part)


def form(results: Sequence[Result]) -> str:
    """Return what kind of answers these are, in a sentence or two."""
    quick = sum(bool(result.get("quick")) for result in results)
    if not results:
        return "Nothing has been measured yet."
    if not quick:
        return "From full forms: fixed designs, each as its experiment says."
    of = "All are" if quick == len(results) else f"{quick} of {len(results)} are"
    return (
        f"{of} from quick forms: indicative, never more. A quick form is one short look, which another run, machine or "
        "day may contradict; the full forms take hours and can go on tomorrow."
    )


def warnings(answers: Sequence[Answer], commit: str) -> list[str]:
    """Return what a reader has to know of the results together: other commits, other settings, a busy machine."""
    known = [one for one in answers if one.result]
    sentences = []
    by_commit: dict[str, list[str]] = {}
    for one in known:
        by_commit.setdefault(one.commit, []).append(one.claim)
    others = {other: claims for other, claims in by_commit.items() if other != commit}
    if others:
        which = "; ".join(f"{sentence_of_list(claims)} of {other}" for other, claims in others.items())
        sentences.append(
            f"The code is at {commit}, and some results are not: {which}. `make claims AGAIN=1` asks anew."
        )
    busy = [one.claim for one in known if _is_busy(one.result["environment"])]  # type: ignore[index]
    if busy:
        sentences.append(
            f"The load was still high before {sentence_of_list(busy)}, from the experiment before or from something "
            "else: figures of speed may suffer from that, shares and counts less."
        )
    unbound = [one.claim for one in known if not one.result["environment"]["budgets"]["enforced"]]  # type: ignore[index]
    if unbound:
        sentences.append(
            f"Builds and load shared cores in {sentence_of_list(unbound)}: no winner in speed is named there."
        )
    broken = [one.claim for one in known if one.verdict == WRONG_BOOKS]
    if broken:
        sentences.append(f"Promises were broken in {sentence_of_list(broken)}: the figures there prove nothing.")
    return sentences


def _is_busy(environment: Environment) -> bool:
    return environment.get("load_average", [0.0])[0] > BUSY_SHARE * environment["cores"]


def machines(results: Sequence[Result]) -> list[str]:
    """Return the machines of the results, the newest first."""
    descriptions = [
        f"{env['cpu']}, {plural(env['cores'], 'core')}, {number(env['memory_mb'] / 1000)} GB, {env['os']}, "
        f"Python {env['python']}"
        for env in (result["environment"] for result in sorted(results, key=lambda one: one["started_at"])[::-1])
    ]
    return list(dict.fromkeys(descriptions))


def dates(results: Sequence[Result], now: datetime) -> str:
    """Return when these were measured: a day, or the first and the last."""
    days = [f"{datetime.fromisoformat(result['started_at']):%d %B %Y}" for result in
            sorted(results, key=lambda one: one["started_at"])] or [f"{now:%d %B %Y}"]  # fmt: skip
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
