"""What is left of a comparison where an arm is the address of a shop elsewhere: latency and goodput, at set rates."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from deploy.model.errors import DeployError
from loadtests.engine import conduct as conductor
from loadtests.engine import notation
from loadtests.engine.ablation import Ablation
from loadtests.engine.arm import ArmSpec
from loadtests.engine.declaration import Declaration, as_it_is
from loadtests.engine.study import Study
from loadtests.report.result import Plan, Result
from loadtests.report.words import sentence_of_list

RATE = "20"
SHORT_S = 2.0


def conduct(study: Study, declared: Declaration | Ablation) -> Result:
    """Measure what is declared; of the addresses in the option `at`, where there are any, in the place of its arms.

    Raises DeployError.
    """
    texts = study.options.get("at", "").split()
    if not texts or isinstance(declared, Ablation):
        return conductor.conduct(study, declared)
    if stacks := [text for text in texts if not notation.is_address(text)]:
        raise DeployError(f"at={' '.join(stacks)}: want addresses, such as https://shop.example:8443.")
    rate = rate_of(study)
    with ExitStack() as opened:
        arms = notation.arms(texts, tokens_of(study), opened)
        question = (
            f"How long does a customer wait at {sentence_of_list([arm.name for arm in arms])}, and at which load?"
        )
        plan: Plan = {**study.experiment.plan, "question": question}
        study.experiment = replace(study.experiment, plan=plan)
        return conductor.conduct(study, latencies(declared, arms, rate, quick=study.quick))


def latencies(declared: Declaration, arms: Sequence[ArmSpec], rate: float, *, quick: bool) -> Declaration:
    """Return what can be seen of any arm: waits, at `rate` arrivals/s where they are compared; nothing is probed."""
    waits = [replace(one, rate=rate, goodput="order" in one.journeys) for one in declared.waits]
    if quick:
        waits = [replace(waits[0], duration_s=SHORT_S, warm_up_s=1.0)]
    return replace(
        declared, arms=tuple(arms), costs=(), peaks=(), waits=tuple(waits), against=(),
        factors=(), prepare=as_it_is, claims={}, caveat="", headlines=(),
    )  # fmt: skip


def tokens_of(study: Study) -> list[str]:
    """Return where tokens are from, by the option `tokens_from`, and take it out: a result holds no secret."""
    lines = study.options.get("tokens_from", "").splitlines()
    study.options = {name: value for name, value in study.options.items() if name != "tokens_from"}
    return [line for line in lines if line]


def rate_of(study: Study) -> float:
    """Return the option `rate`, arrivals/s. Raises DeployError."""
    text = study.options.get("rate", RATE)
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 5000:
        raise DeployError(f"rate={text}: want arrivals/s, up to 5000.")
    return rate
