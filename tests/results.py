"""What came of the tests of a shard, from the JUnit file that pytest writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

TESTS_FAILED = 1  # pytest's exit status where it ran to its end
_REASON = re.compile(r"^SKIPPED \[\d+\] .*$", re.MULTILINE)


@dataclass(frozen=True)
class Results:
    """How many tests passed, failed (errors of fixtures and a pytest that broke off included) and were skipped.

    `took_s` is the wall clock's, `tests` has the seconds of each test, its fixtures included, in its shard's order.
    `passed_alone` counts those of the passed that had failed beside other shards.
    """

    passed: int
    failed: int
    skipped: int
    took_s: float
    tests: tuple[tuple[str, float], ...]
    output: str
    reasons: tuple[str, ...]
    has_broken_off: bool = False
    passed_alone: int = 0

    @classmethod
    def read(cls, path: Path, status: int, output: str, took_s: float) -> Results:
        """Read a JUnit file; `status` is pytest's. Where they disagree, something has failed that is no test."""
        cases = list(ElementTree.parse(path).iter("testcase")) if path.exists() else []  # noqa: S314  (pytest wrote it)
        failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
        skipped = sum(case.find("skipped") is not None for case in cases)
        tests = tuple((f"{case.get('classname')}::{case.get('name')}", float(case.get("time", 0))) for case in cases)
        return cls(
            passed=len(cases) - failed - skipped,
            failed=failed or int(status != 0),
            skipped=skipped,
            took_s=took_s,
            tests=tests,
            output=output,
            reasons=tuple(_REASON.findall(output)),
            has_broken_off=status not in (0, TESTS_FAILED),
        )

    @classmethod
    def sum(cls, parts: Iterable[Results]) -> Results:
        """Return the results of several shards as one."""
        every = list(parts)
        return cls(
            passed=sum(part.passed for part in every),
            failed=sum(part.failed for part in every),
            skipped=sum(part.skipped for part in every),
            took_s=max((part.took_s for part in every), default=0.0),
            tests=tuple(test for part in every for test in part.tests),
            output="".join(part.output for part in every),
            reasons=tuple(reason for part in every for reason in part.reasons),
            passed_alone=sum(part.passed_alone for part in every),
        )

    def __str__(self) -> str:
        alone = f" ({self.passed_alone} of them only when run again, alone)" if self.passed_alone else ""
        return f"{self.passed} passed{alone}, {self.failed} failed, {self.skipped} skipped"

    def with_second_try(self, second: Results) -> Results:
        """Return the results in which the failed tests are as they were when they ran again."""
        return replace(
            self, passed=self.passed + second.passed, passed_alone=second.passed, failed=second.failed,
            skipped=self.skipped + second.skipped, took_s=self.took_s + second.took_s,
            output=f"{self.output}\n--> once more, alone <--\n{second.output}",
        )  # fmt: skip

    @property
    def is_failed(self) -> bool:
        """Whether anything is wrong."""
        return self.failed > 0

    @property
    def repeated(self) -> list[str]:
        """The tests that ran more than once."""
        return [test for test, count in Counter(name for name, _ in self.tests).items() if count > 1]

    def slowest(self, count: int) -> list[tuple[float, str]]:
        """Return the tests that took longest, with their seconds."""
        return sorted(((took_s, name) for name, took_s in self.tests), reverse=True)[:count]
