"""All plots and tables of the experiments that get a shop into trouble: faults, retries, rollouts."""

from __future__ import annotations

from loadtests.report import canary_plots, chaos_plot, fault_plots, goodput_plot, messaging_plots, tables
from loadtests.report.plot import Figure
from loadtests.report.result import Result


def figures(result: Result) -> list[Figure | None]:
    """Return those that this result can show; None for the others."""
    return [
        fault_plots.heat_map(result),
        fault_plots.recovery(result),
        tables.targets(result),
        chaos_plot.met(result),
        goodput_plot.goodput(result),
        goodput_plot.attempts(result),
        messaging_plots.over_time(result),
        messaging_plots.waits(result),
        messaging_plots.agreement(result),
        canary_plots.attempts(result),
        canary_plots.odds(result),
        tables.rollouts(result),
        tables.touched(result),
    ]
