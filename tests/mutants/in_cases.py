"""Bugs that a test beside the code catches in seconds: for each case of money, messages, locks and trust that has one.

Cases are numbered as they were found. Those that are missing here need a database, a broker or a browser to be seen:
their bugs are caught by the tests beside the builds, by journeys and by the reconciler.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.planting import Edit


@dataclass(frozen=True)
class CaseMutant:
    """A bug about a case, and the test that must fail with it: a file and the name of one of its tests."""

    case: int
    name: str
    edit: Edit
    file: str
    test: str

    def __str__(self) -> str:
        return f"{self.case}-{self.name}"


_CONTRACT = "shared/contract/test_contract_values.py"


MUTANTS = (
    CaseMutant(
        2, "limit-with-leading-zeros",
        Edit("shared/contract/queries.py", "if str(number) == text and low", "if low"),
        _CONTRACT, "test_a_limit_out_of_bounds_is_refused",
    ),
    CaseMutant(
        3, "claim-of-any-type",
        Edit("shared/platform/token_form.py", "exp: _Seconds | None = None", "exp: Any = None"),
        "shared/platform/test_token_form.py", "test_a_claim_of_the_wrong_kind_in_a_token_that_is_signed_well",
    ),
    CaseMutant(
        4, "parameter-that-comes-twice",
        Edit("shared/contract/queries.py", "            if name in given:\n", "            if False:\n"),
        _CONTRACT, "test_a_parameter_that_comes_twice_is_refused_by_name",
    ),
    CaseMutant(
        4, "first-of-two-headers",
        Edit("microservices/kit/web.py", 'return ",".join(request.headers.getlist(name)) if name in request.headers '
             "else None", "return request.headers.get(name)"),
        "microservices/kit/test_web.py", "test_a_header_that_comes_twice_is_not_believed",
    ),
    CaseMutant(
        14, "every-caller-waits-for-the-keys",
        Edit("shared/platform/signing_keys.py", "is_failing = time.monotonic() - self._failed_at <= FAILURE_KEPT_S",
             "is_failing = False"),
        "shared/platform/test_signing_keys.py",
        "test_a_crowd_that_meets_a_frozen_provider_is_refused_soon_and_fetches_one_at_a_time",
    ),
    CaseMutant(
        17, "any-service-may-call-any-route",
        Edit("shared/platform/tokens.py", "        if caller not in callers:\n", "        if False:\n"),
        "shared/platform/test_platform.py", "test_a_service_that_a_route_does_not_name_is_refused",
    ),
    CaseMutant(
        18, "foreign-pages-are-answered",
        Edit("shared/platform/own_pages.py", " and set(origins).issuperset(sent)", ""),
        "shared/platform/test_own_pages.py", "test_an_interface_refuses_pages_of_other_sites",
    ),
)  # fmt: skip
