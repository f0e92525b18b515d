"""Tokens whose fields are of the wrong kind: refused like any other bad token, also where they are signed well."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from shared.domain.errors import Unauthenticated
from shared.platform.tokens import ALGORITHM, ServiceVerifier, TokenVerifier

ISSUER = "http://identity.example"
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})
SOON = int(time.time()) + 600
GOOD_HEADER = {"alg": ALGORITHM, "kid": "k1"}
GOOD = {"iss": ISSUER, "aud": "twinshop", "sub": "cust-1", "exp": SOON, "email": "a@b.example", "roles": ["customer"]}
DEEP = "[" * 3000 + "]" * 3000
ODD = ["null", "[1]", '{"a": 1}', "true", "1", "-1", '""', '"a\\u0000b"', '"\\ud800"', "1e400", "9" * 400, "NaN", DEEP]
WRONG_HEADERS = [(name, value) for name in ("alg", "kid", "crit", "b64") for value in ODD if value != "null"]
WRONG_CLAIMS = [
    *((name, value) for name in ("iss", "aud", "sub") for value in ODD if value != "null"),
    *((name, value) for name in ("exp", "nbf", "iat") for value in ODD if value not in ("null", "1")),
    *((name, value) for name in ("email", "roles") for value in ODD if value != '""'),
    ("roles", "[[1]]"),
    ("roles", '[{"a": 1}]'),
]


def signed(payload: str | bytes, header: dict[str, object] | None = None) -> str:
    """Return a token that is signed by the right key, whatever it says."""
    return jws.serialize_compact(header or GOOD_HEADER, payload, KEY, algorithms=[ALGORITHM])


def with_field(fields: dict[str, object], name: str, value: str) -> str:
    """Return these fields as JSON, one of them with this text for its value."""
    others = {key: other for key, other in fields.items() if key != name}
    return json.dumps(others)[:-1] + f', "{name}": {value}}}'


def with_header(header: str | bytes) -> str:
    """Return a token with this header and claims that are good; only the signature is not."""
    raw = header if isinstance(header, bytes) else header.encode()
    parts = (raw, json.dumps(GOOD).encode(), b"x" * 64)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def refused(verifier: TokenVerifier | ServiceVerifier, token: str) -> None:
    callers = [[ISSUER]] if isinstance(verifier, ServiceVerifier) else []
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token}", *callers)


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [KEY.as_dict(private=False)]}).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks.json"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def verifier(jwks_url: str) -> TokenVerifier:
    return TokenVerifier(jwks_url, ISSUER, "twinshop")


@pytest.fixture(scope="module")
def service_verifier() -> ServiceVerifier:
    return ServiceVerifier("twinshop", {ISSUER: KEY.as_dict(private=False)})


def test_the_good_token_of_these_tests_is_good(verifier: TokenVerifier, service_verifier: ServiceVerifier) -> None:
    token = signed(json.dumps(GOOD))

    assert verifier.verify(f"Bearer {token}").subject == "cust-1"
    assert service_verifier.verify(f"Bearer {token}", [ISSUER]) == ISSUER


def test_a_token_may_be_for_several_and_say_more_than_we_read(verifier: TokenVerifier) -> None:
    token = signed(json.dumps({**GOOD, "aud": ["elsewhere", "twinshop"], "iat": 1.5, "nonce": {"deep": [1]}}))

    assert verifier.verify(f"Bearer {token}").subject == "cust-1"


@pytest.mark.parametrize(("name", "value"), WRONG_HEADERS)
def test_a_header_field_of_the_wrong_kind(
    verifier: TokenVerifier, service_verifier: ServiceVerifier, name: str, value: str
) -> None:
    token = with_header(with_field(GOOD_HEADER, name, value))

    refused(verifier, token)
    refused(service_verifier, token)


@pytest.mark.parametrize(("name", "value"), WRONG_CLAIMS)
def test_a_claim_of_the_wrong_kind_in_a_token_that_is_signed_well(
    verifier: TokenVerifier, service_verifier: ServiceVerifier, name: str, value: str
) -> None:
    token = signed(with_field(GOOD, name, value))

    refused(verifier, token)
    refused(service_verifier, token)


def test_a_claim_that_comes_twice(verifier: TokenVerifier, service_verifier: ServiceVerifier) -> None:
    token = signed(json.dumps(GOOD)[:-1] + ', "roles": ["admin"]}')

    refused(verifier, token)
    refused(service_verifier, token)


def test_a_header_field_that_comes_twice(verifier: TokenVerifier) -> None:
    refused(verifier, with_header('{"alg": "Ed25519", "kid": "k1", "kid": "k1"}'))


@pytest.mark.parametrize("part", ["", "null", "[]", "1", '"text"', DEEP, "{", "\xff"])
def test_a_part_that_is_no_object(verifier: TokenVerifier, service_verifier: ServiceVerifier, part: str) -> None:
    for token in (signed(part.encode("latin-1") or b" "), with_header(part.encode("latin-1"))):
        refused(verifier, token)
        refused(service_verifier, token)


def test_a_token_longer_than_any_of_ours_is_not_even_decoded(verifier: TokenVerifier) -> None:
    refused(verifier, signed(json.dumps({**GOOD, "nonce": "x" * 5000})))


def test_a_token_is_remembered_under_one_text_only(verifier: TokenVerifier) -> None:
    token = signed(json.dumps(GOOD))
    verifier.verify(f"Bearer {token}")

    for again in (f"{token}!", f"{token}==", token.replace(".", ".\n", 1)):
        refused(verifier, again)


@given(header=st.binary(max_size=60), claims=st.binary(max_size=60))
def test_no_bytes_at_all_make_an_error_of_ours(verifier: TokenVerifier, header: bytes, claims: bytes) -> None:
    parts = (header, claims, b"x" * 64)

    refused(verifier, ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts))
