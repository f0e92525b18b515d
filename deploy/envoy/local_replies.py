"""What Envoy answers by itself, as the shop's problems: the same fields and codes as from the applications."""

from __future__ import annotations

from typing import Any

from shared.contract.problems import CODE_OF_STATUS, PROBLEM_MEDIA_TYPE, RETRY_AFTER_S, RETRYABLE_CODES, TABLE

Json = dict[str, Any]

# What is said about the request. Before its headers are complete it has neither a path nor an id.
REQUEST = {"instance": "%PATH(NQ)%", "trace_id": "%REQ(X-REQUEST-ID)%"}
NO_REQUEST_YET = {"instance": "/", "trace_id": "%UNIQUE_ID%"}
BEFORE_HEADERS = (400, 404, 408, 431)
DETAILS = {"malformed_body": "The request is not well-formed HTTP."}  # Envoy reads no JSON

# The request had been sent, and its connection ended without an answer: it may have taken effect.
# UC upstream closed, UR upstream reset, LR we reset, UPE the answer was no HTTP, UT no answer in time.
OUTCOME_UNKNOWN = ["UC", "UR", "LR", "UPE", "UT", "SI", "UMSDR"]


def local_replies() -> Json:
    """Return the connection manager's `local_reply_config`.

    The order matters: a 503 after the request was sent is not 'unavailable' (nothing happened) but
    'deadline_exceeded' (unknown), and the response flag is all that tells them apart.
    """
    unknown = {"response_flag_filter": {"flags": OUTCOME_UNKNOWN}}
    server_error = _status_is("GE", 500)
    headless = {"header_filter": {"header": {"name": "x-request-id", "present_match": True, "invert_match": True}}}
    mappers = [_mapper(_both(server_error, unknown), "deadline_exceeded", REQUEST, change_status=True)]
    for status, code in CODE_OF_STATUS.items():
        if status in BEFORE_HEADERS:
            mappers.append(_mapper(_both(_status_is("EQ", status), headless), code, NO_REQUEST_YET))
        mappers.append(_mapper(_status_is("EQ", status), code, REQUEST))
    mappers.append(_mapper(server_error, "internal_error", REQUEST, change_status=True))
    return {"mappers": mappers, "body_format": _body("invalid_request", "%RESPONSE_CODE%", REQUEST)}


def _mapper(matches: Json, code: str, about: Json, *, change_status: bool = False) -> Json:
    status, _ = TABLE[code]
    mapper: Json = {"filter": matches, "body_format_override": _body(code, status, about)}
    if change_status:
        mapper["status_code"] = status
    if code in RETRYABLE_CODES:
        header = {"key": "retry-after", "value": str(RETRY_AFTER_S)}
        mapper["headers_to_add"] = [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
    return mapper


def _body(code: str, status: int | str, about: Json) -> Json:
    title = TABLE[code][1]
    problem = {
        "type": f"urn:problem:twinshop:{code}",
        "title": title,
        "status": status,
        "detail": DETAILS.get(code, f"{title}."),
        "code": code,
        **about,
    }
    return {"content_type": PROBLEM_MEDIA_TYPE, "json_format": problem}


def _both(first: Json, second: Json) -> Json:
    return {"and_filter": {"filters": [first, second]}}


def _status_is(op: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"unused.local_reply.{op}.{status}"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}
