"""What an answer must look like, said once."""

from __future__ import annotations

from typing import Any

import httpx

PROBLEM = "application/problem+json"
RETRY_AFTER_CODES = {"request_in_flight", "rate_limited", "unavailable"}


def expect(answer: httpx.Response, status: int) -> Any:
    """Return the JSON body of `answer`, which must have this status."""
    assert answer.status_code == status, f"wanted {status}: {describe(answer)}"
    assert answer.headers["content-type"].startswith("application/json"), describe(answer)
    return answer.json()


def expect_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Return the body of `answer`, which must be the problem `code` as RFC 9457 and the error table want it."""
    assert (answer.status_code, answer.headers.get("content-type")) == (status, PROBLEM), describe(answer)
    body: dict[str, Any] = answer.json()
    assert body["code"] == code, describe(answer)
    assert body["status"] == status
    assert body["type"] == f"urn:problem:twinshop:{code}"
    assert {"title", "detail", "instance", "trace_id"} <= set(body), describe(answer)
    assert all(isinstance(body[name], str) and body[name] for name in ("title", "detail", "trace_id")), describe(answer)
    assert ("retry-after" in answer.headers) == (code in RETRY_AFTER_CODES), describe(answer)
    assert ("www-authenticate" in answer.headers) == (status == 401), describe(answer)
    assert "Traceback" not in answer.text
    return body


def describe(answer: httpx.Response) -> str:
    """Return request and answer on a few lines, for the message of a failed assertion."""
    request = answer.request
    return (
        f"{request.method} {request.url} -> {answer.status_code} {answer.headers.get('content-type')}\n"
        f"{dict(answer.headers)}\n{answer.text[:1500]}"
    )
