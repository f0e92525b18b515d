"""The course's own machinery: what a text means, what counts as expected, what is kept, what the last record needs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from deploy.model.errors import DeployError
from deploy.model.home import REPOSITORY, Home
from loadtests.report.claims import CLAIMS
from workshop import claims
from workshop.checks import NotYet
from workshop.checks.decision_record import check as check_record
from workshop.customer import Visitor
from workshop.exercise import Exercise
from workshop.gameday.plan import ANYWHERE
from workshop.guide import Guide
from workshop.labs import Command, Lab, Prediction, Question, find, missing_in, read
from workshop.progress import Progress, folder_of

LAB = """# Lab 1. Small

## Predict first

**Predict.** How many
lines?

## Run

Text.

```console
$ printf 'one\\ntwo 22 ms\\n'
one
two ... ms
$ exit 3  # exit status 3
```

## Look

Look.

## Change something

```console
$ touch must-not-be-run
```

## Questions

<details>
<summary>Why?</summary>

Because.

</details>
"""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    path = tmp_path / "01-small.md"
    path.write_text(LAB, "utf-8")
    return read(path)


def go(lab: Lab, home: Path, *predictions: str) -> bool:
    return Guide(lab, Progress(Home(home)), unattended=True, predictions=iter(predictions)).go()


def test_a_text_is_read_step_by_step(lab: Lab) -> None:
    steps = [step for section in lab.sections for step in section.steps]

    assert [step for step in steps if isinstance(step, Prediction)] == [Prediction(1, "How many lines?")]
    assert lab.commands == [
        Command("printf 'one\\ntwo 22 ms\\n'", ("one", "two ... ms")),
        Command("exit 3", (), 3),
    ]
    assert [step for step in steps if isinstance(step, Question)] == [Question("Why?", "Because.")]


@pytest.mark.parametrize(
    ("expected", "is_there"),
    [
        (("first", "third 3 of ..."), True),
        (("... 2 ...",), True),
        (("third ...", "first"), False),  # in this order
        (("second",), False),  # the whole line
        (("fourth",), False),
    ],
)
def test_expected_lines_come_in_their_order_and_dots_stand_for_anything(
    expected: tuple[str, ...], is_there: bool
) -> None:
    assert (missing_in("first\n  second   2 ms\nthird 3 of 3\n", expected) == []) is is_there


def test_a_lab_keeps_predictions_and_what_commands_took(lab: Lab, tmp_path: Path) -> None:
    assert go(lab, tmp_path, "two")

    progress = json.loads((folder_of(Home(tmp_path)) / "progress.json").read_text("utf-8"))["1"]
    assert progress["predictions"] == {"1": "two"}
    assert progress["done_at"]
    assert set(progress["seconds"]) == {command.line for command in lab.commands}
    assert not Path("must-not-be-run").exists()


def test_a_lab_whose_command_does_something_else_is_not_done(lab: Lab, tmp_path: Path) -> None:
    lab.path.write_text(LAB.replace("two ... ms", "three ... ms"), "utf-8")

    assert not go(read(lab.path), tmp_path)
    assert not Progress(Home(tmp_path)).of(1).done_at


def test_a_lab_goes_on_where_it_was_left(lab: Lab, tmp_path: Path) -> None:
    progress = Progress(Home(tmp_path))
    progress.of(1).steps_done = 3  # the prediction, the text, the first command
    progress.keep()

    assert go(lab, tmp_path, "not asked any more")

    again = Progress(Home(tmp_path)).of(1)
    assert again.predictions == {}
    assert list(again.seconds) == ["exit 3"]


def test_what_runs_in_an_exercise_is_its_copy_and_not_the_work_tree(tmp_path: Path) -> None:
    exercise = Exercise(find(3), Home(tmp_path))
    exercise.start()

    ran = exercise.python(
        "-c", "import shared, deploy.model.home; print(shared.__file__, deploy.model.home.Home.from_environment())"
    )

    assert str(exercise.code / "shared") in ran.stdout
    assert str(exercise.home.root) in ran.stdout
    assert "ruler.py" not in {path.name for path in REPOSITORY.iterdir()}


def test_a_lab_that_runs_by_itself_leaves_a_prediction_as_it_was_made(lab: Lab, tmp_path: Path) -> None:
    assert go(lab, tmp_path, "two")
    assert go(lab, tmp_path)

    assert Progress(Home(tmp_path)).of(1).predictions == {"1": "two"}


def test_two_labs_in_two_terminals_keep_what_the_other_has_done(tmp_path: Path) -> None:
    one, other = Progress(Home(tmp_path)), Progress(Home(tmp_path))
    one.of(5).predictions["1"] = "it sells on"
    other.of(6).steps_done = 3
    one.keep()
    other.keep()

    progress = Progress(Home(tmp_path))
    assert (progress.of(5).predictions, progress.of(6).steps_done) == ({"1": "it sells on"}, 3)


@pytest.mark.parametrize("committed", [False, True], ids=["changed", "committed"])
def test_a_copy_with_work_in_it_is_put_aside_only_where_that_is_asked_for(tmp_path: Path, committed: bool) -> None:
    exercise = Exercise(find(3), Home(tmp_path))
    exercise.start()
    exercise.start()  # nothing was changed: nothing is lost
    (exercise.code / "mine.txt").write_text("an afternoon", "utf-8")
    if committed:
        words = ("git", "-c", "user.name=me", "-c", "user.email=me@twinshop.example")
        for more in (("add", "--all"), ("commit", "--quiet", "--message", "mine")):
            subprocess.run([*words, *more], cwd=exercise.code, check=True)

    with pytest.raises(DeployError, match=r"holds work of yours, in mine\.txt"):
        exercise.start()
    assert (exercise.code / "mine.txt").exists()
    assert exercise.changes() == [(1, 0, "mine.txt")]
    exercise.start(again=True)

    (path,) = folder_of(Home(tmp_path)).glob("lab-03-*/code/mine.txt")
    assert path.read_text("utf-8") == "an afternoon"
    assert not (exercise.code / "mine.txt").exists()


def test_a_customer_at_a_shop_that_does_not_answer_is_told_so() -> None:
    nowhere = Visitor("monolith", "http://127.0.0.1:1", ANYWHERE, "token")

    with pytest.raises(DeployError, match="monolith answered nothing to the wish for its products"):
        nowhere.some_skus(1)


def test_a_decision_record_is_begun_with_what_was_predicted_and_is_not_solved_by_that(tmp_path: Path) -> None:
    home, reports = Home(tmp_path / "home"), tmp_path / "reports"
    progress = Progress(home)
    progress.of(1).predictions["1"] = "one and four"
    progress.keep()
    exercise = Exercise(find(10), home)

    path = claims.write_record(home, reports)

    text = path.read_text("utf-8")
    assert "one and four" in text
    assert all(f"| {number} " in text for number in CLAIMS)
    with pytest.raises(NotYet, match="still says"):
        check_record(exercise)

    argued = "We split nothing: only C1 was supported, C2 and C5 say 2.2 times the memory, and nobody is on call."
    path.write_text(text.replace(claims.TO_WRITE, argued), "utf-8")
    check_record(exercise)
    assert claims.write_record(home, reports).read_text("utf-8") == text.replace(claims.TO_WRITE, argued)


def test_what_was_predicted_in_a_lab_stands_beside_the_claim_that_it_is_about(tmp_path: Path) -> None:
    home = Home(tmp_path)
    progress = Progress(home)
    progress.of(5).predictions["1"] = "it sells on"
    progress.keep()

    predictions = claims.predictions(home)

    assert predictions["C1"] == [(find(5).predictions[0].text, "it sells on")]
    assert not any(predictions[claim] for claim in predictions if claim != "C1")


def test_every_prediction_that_a_claim_names_is_one_of_its_lab() -> None:
    places = [place for of_claim in claims.PREDICTIONS.values() for place in of_claim]

    assert claims.PREDICTIONS.keys() <= CLAIMS.keys()
    assert [(lab, number) for lab, number in places if number > len(find(lab).predictions)] == []
