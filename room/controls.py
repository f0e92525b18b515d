"""The controls: each is a button beside the `twinshop` command that it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import background_tasks, ui

from deploy.faults.vocabulary import FAULTS
from deploy.model.home import REPOSITORY
from deploy.model.topology import SERVICES
from loadtests.engine import registry
from loadtests.load.users.traffic import DEFAULT_MIX, MIXES
from room.actions import command_line
from room.control import PAIR, ControlRoom

DURATIONS = ("10s", "30s", "60s", "2m", "5m")
MAX_RATE = 300
PLANS = REPOSITORY / "workshop" / "gameday" / "plans"
SHORT = {"monolith": "monolith", "microservices": "services"}

Words = Callable[[], list[str]]


class Controls:
    """One page's controls. `_lines` are the commands that are shown, each with what brings it up to date."""

    def __init__(self, control: ControlRoom) -> None:
        self._control = control
        self._lines: list[tuple[ui.label, Words]] = []
        self.stack, self.part = PAIR[1], "payments"

    def draw(self) -> None:
        """Build them, in the order in which a lesson needs them."""
        with _section("Shops"):
            self._button("Start", "play_arrow", lambda: ["up"])
            self._button("Reset", "restart_alt", lambda: ["reset"], asks="Throw all orders away, in both shops?")
            self._button("Stop", "stop", lambda: ["down"], asks="Stop both shops?")
        with _section("Load"):
            self._load()
        with _section("Part"):
            self._target()
            self._button("Kill", "bolt", lambda: self._on_part("kill"))
            self._button("Pause", "pause", lambda: self._on_part("pause"))
            self._button("Resume", "play_arrow", lambda: self._on_part("resume"))
            self._button("Hold", "download", lambda: self._on_part("hold"))
            self._button("Release", "upload", lambda: self._on_part("release"))
            self.replicas = self._number("Replicas", 1, 4, 2)
            self._button("Scale", "filter_none", lambda: self._on_part("scale", str(int(self.replicas.value))))
        with _section("Fault"):
            self._fault()
        with _section("Game day"):
            self._gameday()
            self._button("Mystery", "help", lambda: ["mystery"])
        with _section("Books"):
            self._button("Check", "fact_check", lambda: ["books"], self._check)
            self._button("Dead letters", "mark_email_unread", lambda: ["dead-letters"])
            self._button("Send again", "outgoing_mail", lambda: ["dead-letters", "retry"])
            self._button("Drop", "delete", lambda: ["dead-letters", "drop"])
        with _section("Experiment"):
            self._experiment()
        self.refresh()

    def pick(self, stack: str, part: str) -> None:
        """Choose a part, as a click on a drawing does."""
        if stack in PAIR and part in self._parts(stack):
            self.stack, self.part = stack, part
            self._show_target()

    def refresh(self, *_: object) -> None:
        """Show the commands as they are now."""
        for label, words in self._lines:
            label.set_text(command_line(words()))

    def _load(self) -> None:
        self.where = ui.toggle({"both": "both", **SHORT}, value="both", on_change=self.refresh).props("dense no-caps")
        self.rate = self._number("Rate /s", 1, MAX_RATE, 30)
        self.mix = _select("Mix", list(MIXES), DEFAULT_MIX, self.refresh)
        self._button("Start", "play_arrow", self._load_words, self._start_load)
        ui.button("Stop load", icon="stop", color=None, on_click=lambda: self._stop("load")).props(
            "dense outline no-caps"
        )

    def _load_words(self) -> list[str]:
        where = [] if self.where.value == "both" else ["--stack", str(self.where.value)]
        return ["load", "--rate", str(int(self.rate.value)), "--mix", str(self.mix.value), *where]

    async def _start_load(self) -> None:
        words = self._load_words()
        for run in self._control.actions.running("load"):  # a new rate takes the place of the old one
            if "both" in (self.where.value, run.stack or "both") or run.stack == self.where.value:
                await self._control.actions.stop(run)
        stack = "" if self.where.value == "both" else str(self.where.value)
        background_tasks.create(self._control.run(*words, stack=stack))

    def _target(self) -> None:
        ui.label("Click a part in a drawing, or choose:").classes("hint")
        self.stack_choice = ui.toggle(SHORT, value=self.stack, on_change=self._on_stack).props("dense no-caps")
        self.part_choice = _select("Part", self._parts(self.stack), self.part, self._on_part_choice)

    def _parts(self, stack: str) -> list[str]:
        parts = [part.name for part in self._control.runners[stack].stack.parts]
        return [*parts, *SERVICES] if stack == "monolith" else parts

    def _on_stack(self, event: Any) -> None:
        if event.value != self.stack:
            self.stack, self.part = event.value, "web" if event.value == "monolith" else "payments"
            self._show_target()

    def _on_part_choice(self, event: Any) -> None:
        if event.value and event.value != self.part:
            self.part = event.value
            self.refresh()

    def _show_target(self) -> None:
        self.stack_choice.set_value(self.stack)
        self.part_choice.set_options(self._parts(self.stack), value=self.part)
        self.refresh()

    def _on_part(self, verb: str, *more: str) -> list[str]:
        # A module of the monolith is no process of its own: what hits it hits all of them, and the page shows it.
        part = "web" if self.stack == "monolith" and self.part in SERVICES else self.part
        return [verb, part, *more, "--stack", self.stack]

    def _fault(self) -> None:
        options = {name: f"{name}: {fault.what}" for name, fault in FAULTS.items()}
        self.fault = ui.select(options, value="kill", label="Fault", on_change=self.refresh).props(
            "dense outlined options-dense"
        )
        self.fault.classes("wide")
        self.lasts = ui.toggle(list(DURATIONS), value="30s", on_change=self.refresh).props("dense no-caps")
        self._button("Inject", "coronavirus", self._fault_words)
        self._button("Heal all", "healing", lambda: ["heal"], self._heal).props("color=positive")

    def _fault_words(self) -> list[str]:
        fault = FAULTS[str(self.fault.value)]
        part = self.part
        if fault.where == "module" and self.stack == "microservices":
            part = part.removesuffix("-db")
        target = [] if fault.where in ("broker", "outside") else ["--part", part]
        return ["fault", fault.name, *target, "--for", str(self.lasts.value), "--stack", self.stack]

    async def _heal(self) -> None:
        await self._control.actions.stop_all("fault")  # each heals what it did
        background_tasks.create(self._control.run("heal"))

    def _gameday(self) -> None:
        plans = [path.stem for path in sorted(PLANS.glob("*.yaml"))]
        self.plan = _select("Plan", plans, plans[0], self.refresh)
        self._button("Start", "event", lambda: ["gameday", str(self.plan.value)], self._start_gameday)
        ui.label("Its timeline is the report below, from the first second on.").classes("hint")
        ui.button("Abort game day", icon="healing", color=None, on_click=lambda: self._stop("gameday")).props(
            "dense outline no-caps"
        )

    async def _start_gameday(self) -> None:
        if self._is_busy(
            "load", "gameday", says="Stop the load and the other game day first: this one brings its own."
        ):
            return
        background_tasks.create(self._control.run("gameday", str(self.plan.value)))

    def _experiment(self) -> None:
        self.experiment = _select("Experiment", [one.name for one in registry.every()], "demo", self.refresh)
        self.quick = ui.checkbox("the quick form", value=True, on_change=self.refresh).props("dense")
        self._button("Run", "science", self._experiment_words, self._run_experiment)
        ui.button("Stop it", icon="stop", color=None, on_click=lambda: self._stop("experiment")).props(
            "dense outline no-caps"
        )

    def _experiment_words(self) -> list[str]:
        return ["experiment", str(self.experiment.value), *(["--quick"] if self.quick.value else [])]

    async def _run_experiment(self) -> None:
        if self._is_busy(
            "load", "experiment", says="Stop the load and the other experiment first: this one brings its own."
        ):
            return
        background_tasks.create(self._control.run(*self._experiment_words()))

    async def _stop(self, name: str) -> None:
        await self._control.actions.stop_all(name)

    def _is_busy(self, *commands: str, says: str) -> bool:
        """Say why something has to wait, if one of these commands is under way."""
        busy = any(self._control.actions.running(command) for command in commands)
        if busy:
            ui.notify(says, type="warning")
        return busy

    def _check(self) -> None:
        # The check asks for orders again, which would count as traffic.
        if self._is_busy("load", says="Stop the load first: books are checked at rest."):
            return
        background_tasks.create(self._control.run("books"))

    def _button(
        self, label: str, icon: str, words: Words, do: Callable[[], Any] | None = None, *, asks: str = ""
    ) -> ui.button:
        """Draw a button that runs a command, or calls `do`; where it `asks`, only after a yes."""

        async def run() -> None:
            if asks and not await _means_it(asks):
                return
            arguments = words()
            stack = self.stack if "--stack" in arguments and arguments[0] != "load" else ""
            background_tasks.create(self._control.run(*arguments, stack=stack))

        with ui.element("div").classes("command"):
            button = ui.button(label, icon=icon, on_click=do or run).props("dense no-caps unelevated size=13px")
            line = ui.label().classes("line")
        self._lines.append((line, words))
        return button

    def _number(self, label: str, low: int, high: int, value: int) -> ui.number:
        number = ui.number(label, value=value, min=low, max=high, precision=0, on_change=self.refresh)
        return number.props("dense outlined").classes("number")


async def _means_it(question: str) -> bool:
    with ui.dialog() as dialog, ui.card():
        ui.label(question)
        with ui.row():
            ui.button("Yes", on_click=lambda: dialog.submit(True)).props("dense no-caps")
            ui.button("No", on_click=lambda: dialog.submit(False)).props("dense outline no-caps")
    return bool(await dialog)


def _section(title: str) -> Any:
    section = ui.element("section").classes("control")
    with section:
        ui.html(f"<h2>{title}</h2>", sanitize=False)
    return section


def _select(label: str, options: list[str], value: str, changed: Callable[..., None]) -> ui.select:
    return (
        ui.select(options, value=value, label=label, on_change=changed)
        .props("dense outlined options-dense")
        .classes("wide")
    )
