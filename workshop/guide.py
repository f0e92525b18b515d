"""Goes through a lab with somebody: shows, asks for predictions, runs, compares, and keeps how far they came."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape

from deploy.runner.console import console
from workshop import shell
from workshop.classroom.reporting import Reporter
from workshop.labs import EXERCISE, Command, Lab, Prediction, Prose, Question, Step, missing_in
from workshop.progress import LabProgress, Progress, now

WIDEST = 110  # longer lines are no fun to read
LEFT_OPEN = "(left open)"
_reader = Console(highlight=False, width=min(WIDEST, console.width))  # wraps; the one for output does not


@dataclass
class Guide:
    """`unattended`: nobody is asked anything; predictions are then taken from `predictions`, one after the other."""

    lab: Lab
    progress: Progress
    unattended: bool
    predictions: Iterator[str]
    reporter: Reporter | None = None  # tells the room, where the participant has chosen so
    _trouble: str = ""  # the command that did not do what the text says

    def go(self) -> bool:
        """Go through what is left of the lab; return whether all its commands did what the text says."""
        progress = self.progress.of(self.lab.number)
        console.rule(f"Lab {self.lab.number}. {self.lab.title}")
        if progress.steps_done:
            console.print(f"You have done {progress.steps_done} steps already; `--again` starts over.")
        fine = True
        number = 0
        for section in self.lab.sections:
            has_heading = False
            for step in section.steps:
                number += 1
                if number <= progress.steps_done:
                    continue
                if not has_heading:
                    has_heading = True
                    console.print(f"\n[bold]{escape(section.title)}[/]")
                    if section.title == "Look":
                        self._remind(progress)
                fine = self._take(step, progress, exercise=section.title == EXERCISE) and fine
                progress.steps_done = number
                self._keep()
        progress.steps_done = 0  # the next time begins at the beginning
        progress.done_at = now() if fine else ""
        self._keep("" if fine else self._trouble)
        self._say_goodbye(progress, fine=fine)
        return fine

    def _keep(self, trouble: str = "") -> None:
        self.progress.keep()
        if self.reporter is not None:
            self.reporter.tell(self.lab.number, trouble)

    def _take(self, step: Step, progress: LabProgress, *, exercise: bool) -> bool:
        if isinstance(step, Prose):
            _read(step.text)
        elif isinstance(step, Prediction):
            progress.predictions[str(step.number)] = self._predict(step, progress)
        elif isinstance(step, Question):
            console.print(f"\n[bold]?[/] {escape(step.text)}")
            self._wait("Think first; Enter shows the answer.")
            _read(step.answer)
        elif exercise:  # whoever does the exercise runs these, in their own time
            console.print(f"  [bold]$ {escape(step.line)}[/]")
        else:
            return self._run(step, progress)
        return True

    def _predict(self, step: Prediction, progress: LabProgress) -> str:
        console.print(f"\n[bold]Predict.[/] {escape(step.text)}")
        answer = next(self.predictions, "")
        if not answer and not self.unattended:
            answer = console.input("[bold]> [/]").strip()
        answer = answer or progress.predictions.get(str(step.number), LEFT_OPEN)  # what was predicted once is not lost
        console.print(f"  kept: {escape(answer)}")
        return answer

    def _run(self, step: Command, progress: LabProgress) -> bool:
        console.print(f"\n[bold]$ {escape(step.line)}[/]")
        self._wait("Enter runs it.")
        while True:
            ran = shell.run(step.line)
            progress.seconds[step.line] = round(ran.seconds, 1)
            wrong = self._what_is_wrong(step, ran)
            if wrong is None:
                console.print(f"[green]As expected[/], after {ran.seconds:.0f} s.")
                return True
            console.print(f"[red]{escape(wrong)}[/]")
            self._trouble = step.line
            self._keep(self._trouble)
            if self.unattended or not self._again():
                return False

    def _what_is_wrong(self, step: Command, ran: shell.Ran) -> str | None:
        if ran.status != step.status:
            return f"It ended with status {ran.status}, and not with {step.status}."
        missing = missing_in(ran.output, step.expected)
        if missing:
            return f"The text expects this line, and it did not come: {missing[0].strip()}"
        return None

    def _again(self) -> bool:
        return console.input("[bold]Run it again? (y/n) [/]").strip().lower() in ("", "y", "yes")

    def _remind(self, progress: LabProgress) -> None:
        for prediction in self.lab.predictions:
            answer = progress.predictions.get(str(prediction.number), LEFT_OPEN)
            console.print(f"  You were asked: {escape(prediction.text)}\n  You predicted: [bold]{escape(answer)}[/]")

    def _wait(self, why: str) -> None:
        if not self.unattended:
            console.input(f"[dim]{why} [/]")

    def _say_goodbye(self, progress: LabProgress, *, fine: bool) -> None:
        if not fine:
            console.print("\n[red]Not everything went as the text says; see above.[/]")
            return
        console.print(f"\n[green]Lab {self.lab.number} is done.[/]")
        if not progress.solved_at:
            number = self.lab.number
            console.print(f"Its exercise: `twinshop lab {number} --start`, then `twinshop lab {number} --check`.")


def _read(text: str) -> None:
    """Show Markdown; links as the files that they are, seen from the root of the repository."""
    _reader.print(Markdown(text.replace("](../", "]("), hyperlinks=False))


def is_attended() -> bool:
    """Whether somebody sits at the terminal."""
    return sys.stdin.isatty()
