"""The search for a capacity: grow until a rate fails, halve the gap, and test the border once more."""

from __future__ import annotations

from dataclasses import dataclass, field

GROWTH = 1.5
PRECISION = 1.1
CONFIRMATIONS = 2
MAX_TRIES = 14
MAX_VOID = 5
LOWEST = 2.0


@dataclass
class Search:
    """Asks for rates with `next_rate`, is told with `tell`, and knows the highest rate that held when it is done.

    One lucky or unlucky try must not decide: the border is believed only after it has held `CONFIRMATIONS` times
    in all; if it fails when tested again, the search goes on below it.
    """

    start: float
    held: dict[float, int] = field(default_factory=dict)
    failed: list[float] = field(default_factory=list)
    tries: int = 0
    void: int = 0

    @property
    def highest_held(self) -> float | None:
        """The highest rate that held and has not failed since."""
        good = [rate for rate in self.held if rate not in self.failed and rate < self.lowest_failed]
        return max(good, default=None)

    @property
    def lowest_failed(self) -> float:
        """The lowest rate that failed; infinite if none did."""
        return min(self.failed, default=float("inf"))

    @property
    def found(self) -> bool:
        """Whether the border is narrow and has held as often as it must. Anything else is no capacity."""
        held = self.highest_held
        return held is not None and self.lowest_failed / held <= PRECISION and self.held[held] >= CONFIRMATIONS

    @property
    def done(self) -> bool:
        """Whether the border was found, or the tries are used up."""
        used_up = self.tries >= MAX_TRIES or self.void >= MAX_VOID
        return self.found or used_up or self.lowest_failed <= LOWEST

    def next_rate(self) -> float:
        """Return the rate to try next."""
        held, failed = self.highest_held, self.lowest_failed
        if held is None:
            return self.start if failed == float("inf") else failed / GROWTH
        if failed == float("inf"):
            return held * GROWTH
        if failed / held <= PRECISION:
            return held
        return round(float((held * failed) ** 0.5), 2)

    def tell_void(self) -> None:
        """Note that a run proved nothing: the generator failed, not the build. The same rate is tried again."""
        self.void += 1

    def tell(self, rate: float, *, good: bool) -> None:
        """Note whether the bounds held at this rate."""
        self.tries += 1
        if good:
            self.held[rate] = self.held.get(rate, 0) + 1
        else:
            self.failed.append(rate)
