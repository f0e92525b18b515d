"""The plumbing: signatures, tokens, settings, failpoints, fingerprints."""

from __future__ import annotations

import http.server
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.contract.parsing import fingerprint
from shared.domain.errors import Forbidden, Unauthenticated, Unavailable
from shared.platform import clock, failpoints, logs, tracing
from shared.platform.settings import CommonSettings, load_or_exit
from shared.platform.tokens import ServiceSigner, ServiceVerifier, TokenVerifier
from shared.platform.webhook_signature import is_genuine, sign

ISSUER = "http://identity.example"


# --- webhooks ---------------------------------------------------------------------------------------------


def test_a_signed_webhook_is_genuine() -> None:
    assert is_genuine("s3cret", b'{"id":1}', sign("s3cret", b'{"id":1}', 1000), now_s=1010)


@pytest.mark.parametrize(
    ("secret", "body", "now_s"),
    [("other", b"{}", 1000), ("s3cret", b"{ }", 1000), ("s3cret", b"{}", 1301), ("s3cret", b"{}", 699)],
    ids=["another secret", "another body", "too old", "from the future"],
)
def test_a_webhook_is_refused_for(secret: str, body: bytes, now_s: int) -> None:
    assert not is_genuine(secret, body, sign("s3cret", b"{}", 1000), now_s=now_s)


@pytest.mark.parametrize("header", ["", "t=1000", "v1=00", "t=x,v1=" + "0" * 64, "t=1000,v1=" + "0" * 64])
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    assert not is_genuine("s3cret", b"{}", header, now_s=1000)


# --- logs -------------------------------------------------------------------------------------------------


def test_a_log_does_not_say_the_row_of_a_database_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    logs.configure("orders", "info")

    try:
        raise ValueError("duplicate key\nDETAIL:  Key (email)=(ada@example) already exists.")
    except ValueError as error:
        root.exception("failed: %s", error)

    line = json.loads(capfd.readouterr().err)
    assert line["message"] == "failed: duplicate key"
    assert line["exception"].endswith("ValueError: duplicate key")


# --- customers' tokens ------------------------------------------------------------------------------------


class Identity:
    """A key, and a JWKS page over HTTP that counts how often it was fetched."""

    def __init__(self) -> None:
        self.key = OKPKey.generate_key("Ed25519", {"kid": "k1"})
        self.fetches = 0
        identity = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                identity.fetches += 1
                body = json.dumps({"keys": [identity.key.as_dict(private=False)]}).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def token(self, key: OKPKey | None = None, **claims: Any) -> str:
        now = int(time.time())
        all_claims = {
            "iss": ISSUER,
            "aud": "twinshop",
            "sub": "cust-1",
            "exp": now + 60,
            "roles": ["customer"],
            **claims,
        }
        used = key or self.key
        return jwt.encode({"alg": "Ed25519", "kid": used.kid}, all_claims, used, algorithms=["Ed25519"])


@pytest.fixture(scope="module")
def identity() -> Iterator[Identity]:
    provider = Identity()
    thread = threading.Thread(target=provider.server.serve_forever, daemon=True)
    thread.start()
    yield provider
    provider.server.shutdown()
    thread.join()
    provider.server.server_close()


def test_a_genuine_token_tells_who_is_asking(identity: Identity) -> None:
    verifier = TokenVerifier(identity.url, ISSUER, "twinshop")

    principal = verifier.verify("Bearer " + identity.token(roles=["customer", "admin"], email="ada@customers.example"))

    assert (principal.subject, principal.email, principal.is_admin) == ("cust-1", "ada@customers.example", True)


def test_a_token_is_checked_once_and_the_keys_are_fetched_once(identity: Identity) -> None:
    verifier = TokenVerifier(identity.url, ISSUER, "twinshop")
    header = "Bearer " + identity.token()
    before = identity.fetches

    assert verifier.cached(header) is None
    verifier.verify(header)

    assert verifier.cached(header) is not None
    verifier.verify("Bearer " + identity.token(sub="cust-2"))
    assert identity.fetches == before + 1


@pytest.mark.parametrize(
    "claims",
    [{"exp": 1}, {"aud": "another-shop"}, {"iss": "http://elsewhere.example"}, {"sub": None}, {"roles": "admin"}],
    ids=["expired", "another audience", "another issuer", "nobody", "roles that are no list"],
)
def test_a_token_is_refused_for(identity: Identity, claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier(identity.url, ISSUER, "twinshop").verify("Bearer " + identity.token(**claims))


def test_a_forged_token_is_refused(identity: Identity) -> None:
    forger = OKPKey.generate_key("Ed25519", {"kid": "k1"})

    with pytest.raises(Unauthenticated):
        TokenVerifier(identity.url, ISSUER, "twinshop").verify("Bearer " + identity.token(key=forger))


@pytest.mark.parametrize("header", [None, "", "Basic dTpw", "Bearer", "Bearer ", "Bearer not.a.token", "Bearer ."])
def test_a_header_without_a_token_is_refused(identity: Identity, header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        TokenVerifier(identity.url, ISSUER, "twinshop").verify(header)


def test_tokens_of_strangers_do_not_make_us_fetch_keys_each_time(identity: Identity) -> None:
    verifier = TokenVerifier(identity.url, ISSUER, "twinshop")
    stranger = OKPKey.generate_key("Ed25519", {"kid": "unheard-of"})
    before = identity.fetches

    for number in range(20):
        with pytest.raises(Unauthenticated):
            verifier.verify("Bearer " + identity.token(key=stranger, sub=f"cust-{number}"))

    assert identity.fetches - before <= 2


def test_without_keys_the_shop_is_unavailable_and_says_so(identity: Identity) -> None:
    with pytest.raises(Unavailable):
        TokenVerifier("http://127.0.0.1:9/jwks.json", ISSUER, "twinshop").verify("Bearer " + identity.token())


# --- services' tokens -------------------------------------------------------------------------------------


def test_a_service_knows_who_calls() -> None:
    key = OKPKey.generate_key("Ed25519")
    verifier = ServiceVerifier("catalog", {"orders": key.as_dict(private=False)})

    assert (
        verifier.verify(ServiceSigner("orders", key.as_dict(private=True)).authorization("catalog"), ["orders"])
        == "orders"
    )


def test_a_token_for_another_service_is_refused() -> None:
    key = OKPKey.generate_key("Ed25519")
    verifier = ServiceVerifier("catalog", {"orders": key.as_dict(private=False)})

    with pytest.raises(Unauthenticated):
        verifier.verify(ServiceSigner("orders", key.as_dict(private=True)).authorization("payments"), ["orders"])


def test_a_service_cannot_speak_for_another() -> None:
    orders, payments = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
    verifier = ServiceVerifier(
        "catalog", {"orders": orders.as_dict(private=False), "payments": payments.as_dict(private=False)}
    )

    with pytest.raises(Unauthenticated):
        verifier.verify(
            ServiceSigner("orders", payments.as_dict(private=True)).authorization("catalog"), ["orders", "payments"]
        )


def test_a_service_that_a_route_does_not_name_is_refused() -> None:
    key = OKPKey.generate_key("Ed25519")
    verifier = ServiceVerifier("payments", {"notifications": key.as_dict(private=False)})
    token = ServiceSigner("notifications", key.as_dict(private=True)).authorization("payments")

    for _ in range(2):  # the second time from the cache
        with pytest.raises(Forbidden):
            verifier.verify(token, ["orders"])


# --- settings ---------------------------------------------------------------------------------------------


def test_outside_local_mode_a_missing_secret_is_a_refusal_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TWINSHOP_MODE", raising=False)

    with pytest.raises(SystemExit):
        load_or_exit(CommonSettings)

    assert "DATABASE_URL, JWKS_URL, TOKEN_ISSUER" in capsys.readouterr().err


def test_local_mode_has_development_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSHOP_MODE", "local")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1/shop")

    assert load_or_exit(CommonSettings).jwks_url.endswith("/jwks.json")


def test_a_password_comes_from_a_file_in_the_folder_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "database_url").write_text("postgresql://catalog:CRUNCHY-ARMCHAIR@catalog-db/catalog\n")
    monkeypatch.setenv("TWINSHOP_MODE", "local")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    from_file = load_or_exit(CommonSettings).database_url
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/catalog")
    from_environment = load_or_exit(CommonSettings).database_url

    assert from_file == "postgresql://catalog:CRUNCHY-ARMCHAIR@catalog-db/catalog"
    assert from_environment == "postgresql://127.0.0.1/catalog"


def test_a_folder_without_the_secret_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWINSHOP_MODE", "production")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))

    with pytest.raises(SystemExit):
        load_or_exit(CommonSettings)

    assert "DATABASE_URL" in capsys.readouterr().err


# --- failpoints, fingerprints, trace ids ------------------------------------------------------------------


def test_failpoints_are_refused_outside_local_mode() -> None:
    with pytest.raises(ValueError, match="refused outside local mode"):
        failpoints.enable("order.placed:1", "", local_mode=False)


@pytest.mark.parametrize("crash_at", ["nowhere:1", "order.placed:x", "order.placed:1:melt"])
def test_a_failpoint_that_does_not_exist_is_refused(crash_at: str) -> None:
    with pytest.raises(ValueError, match="want <name>:<n>"):
        failpoints.enable(crash_at, "", local_mode=True)


def test_the_process_freezes_at_its_failpoint_until_it_is_let_go_on(tmp_path: Path) -> None:
    reached, script = tmp_path / "reached", "from shared.platform import failpoints as f\n"
    script += f"f.enable('order.placed:1:freeze', {str(reached)!r}, local_mode=True)\nf.failpoint('order.placed')"
    frozen = subprocess.Popen([sys.executable, "-c", script])

    os.waitid(os.P_PID, frozen.pid, os.WSTOPPED)
    another = subprocess.run([sys.executable, "-c", script], timeout=10, check=False)
    frozen.send_signal(signal.SIGCONT)

    assert (tmp_path / "reached.frozen").read_text("ascii") == str(frozen.pid)
    assert (another.returncode, frozen.wait(timeout=10)) == (0, 0)


def test_the_process_dies_when_its_failpoint_is_reached_for_the_nth_time() -> None:
    script = (
        "from shared.platform import failpoints as f\n"
        "f.enable('order.placed:2', '', local_mode=True)\n"
        "f.failpoint('order.placed'); print('once', flush=True); f.failpoint('order.placed'); print('twice')"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (-9, "once\n")


def test_spaces_and_the_order_of_fields_do_not_change_a_fingerprint() -> None:
    first, second = json.loads('{"a": 1, "b": [2]}'), json.loads('{"b":[2],"a":1}')

    assert fingerprint("POST /orders", first) == fingerprint("POST /orders", second)
    assert fingerprint("POST /orders", first) != fingerprint("POST /orders", {"a": 1, "b": [3]})
    assert fingerprint("POST /orders", first) != fingerprint("POST /refunds", first)


@pytest.mark.parametrize("header", [None, "", "x" * 65, "two words", "line\nbreak"])
def test_a_trace_id_that_is_none_is_replaced(header: str | None) -> None:
    trace_id = tracing.begin(header)

    assert trace_id
    assert trace_id != header
    assert tracing.current() == trace_id


def test_a_call_carries_the_request_and_the_trace_context_of_the_work_it_is_part_of() -> None:
    inside: dict[str, str] = {}
    outside: dict[str, str] = {}
    tracing.begin("request-1")

    with tracing.carrying("00-trace-span-01"):
        tracing.inject(inside)
    tracing.inject(outside)

    assert inside == {"X-Request-Id": "request-1", "traceparent": "00-trace-span-01"}
    assert outside == {"X-Request-Id": "request-1"}


def test_the_trace_id_of_the_edge_is_kept() -> None:
    assert tracing.begin("7f3c-1") == "7f3c-1"


def test_a_wrong_clock_is_refused_outside_local_mode_and_wrong_inside() -> None:
    with pytest.raises(ValueError, match="CLOCK_OFF_S"):
        clock.set_off(60, local_mode=False)

    clock.set_off(3600, local_mode=True)
    try:
        assert clock.now_s() - time.time() == pytest.approx(3600, abs=5)
        assert (clock.now() - datetime.now(UTC)).total_seconds() == pytest.approx(3600, abs=5)
    finally:
        clock.set_off(0, local_mode=True)
