"""The plots of what an architecture costs and how it scales: each from the details that its experiment left."""

from __future__ import annotations

from loadtests.report import ladder_plots, map_plots, scaling_plots
from loadtests.report.plot import Figure
from loadtests.report.result import Result


def figures(result: Result) -> list[Figure | None]:
    """Return the plots in their order; None for what this result has nothing of."""
    return [
        ladder_plots.waterfall(result),
        ladder_plots.beside(result),
        ladder_plots.waits(result),
        scaling_plots.goodput(result),
        scaling_plots.price(result),
        map_plots.counted(result),
        map_plots.losses(result),
        map_plots.agreement(result),
        map_plots.crossover(result),
    ]
