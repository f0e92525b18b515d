"""What Envoy answers by itself, as the shop's problems: the same fields and codes as from the applications."""

from __future__ import annotations

from typing import Any

from shared.contract.problems import CODE_OF_STATUS, PROBLEM_MEDIA_TYPE, RETRY_AFTER_S, RETRYABLE_CODES, TABLE

# The request had been sent, and its connection ended without an answer: it may have taken effect.
# UC upstream closed, UR upstream reset, LR we reset, UPE the answer was no HTTP, UT no answer in time.
OUTCOME_UNKNOWN = ["UC", "UR", "LR", "UPE", "UT", "SI", "UMSDR"]


def local_replies() -> dict[str, Any]:
    """Return the connection manager's `local_reply_config`.

    The order matters: a 503 after the request was sent is not 'unavailable' (nothing happened) but
    'deadline_exceeded' (unknown), and the response flag is all that tells them apart.
    """
    unknown = {"response_flag_filter": {"flags": OUTCOME_UNKNOWN}}
    server_error = _status_is("GE", 500)
    mappers = [_mapper({"and_filter": {"filters": [server_error, unknown]}}, "deadline_exceeded", change_status=True)]
    mappers += [_mapper(_status_is("EQ", status), code) for status, code in CODE_OF_STATUS.items()]
    mappers.append(_mapper(server_error, "internal_error", change_status=True))
    return {"mappers": mappers, "body_format": _body("invalid_request", "%RESPONSE_CODE%")}


def _mapper(matches: dict[str, Any], code: str, *, change_status: bool = False) -> dict[str, Any]:
    status, _ = TABLE[code]
    mapper: dict[str, Any] = {"filter": matches, "body_format_override": _body(code, status)}
    if change_status:
        mapper["status_code"] = status
    if code in RETRYABLE_CODES:
        header = {"key": "retry-after", "value": str(RETRY_AFTER_S)}
        mapper["headers_to_add"] = [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    return mapper


def _body(code: str, status: int | str) -> dict[str, Any]:
    title = TABLE[code][1]
    return {
        "content_type": PROBLEM_MEDIA_TYPE,
        "json_format": {
            "type": f"urn:problem:twinshop:{code}",
            "title": title,
            "status": status,
            "detail": f"{title}.",
            "instance": "%PATH(NQ)%",
            "code": code,
            "trace_id": "%REQ(X-REQUEST-ID)%",
        },
    }


def _status_is(op: str, status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": f"unused.local_reply.{op}.{status}"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}
