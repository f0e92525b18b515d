"""Keys are fetched beside the requests: an identity provider that is away costs those who need it a 503, at once."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.domain.errors import Unauthenticated, Unavailable
from shared.platform import signing_keys
from shared.platform.tokens import TokenVerifier

ISSUER = "http://identity.example"
OLD, NEW = (OKPKey.generate_key("Ed25519", {"kid": kid}) for kid in ("old", "new"))


class Provider:
    """An identity provider that publishes `keys`, and hangs while `frozen` is set."""

    def __init__(self) -> None:
        self.keys = [OLD]
        self.fetches = 0
        self.most_at_once = self._at_once = 0
        self.thawed = threading.Event()
        self.thawed.set()
        provider = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"

    def answer(self, page: http.server.BaseHTTPRequestHandler) -> None:
        self.fetches += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.thawed.wait()
            body = json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()
            page.send_response(200)
            page.end_headers()
            page.wfile.write(body)
        except OSError:  # the other side has hung up
            pass
        finally:
            self._at_once -= 1


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.thawed.set()
    server.server.shutdown()
    thread.join()
    server.server.server_close()


def bearer(key: OKPKey = OLD, subject: str = "ada") -> str:
    claims = {"iss": ISSUER, "aud": "twinshop", "sub": subject, "exp": int(time.time()) + 600, "roles": ["customer"]}
    return "Bearer " + jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=["Ed25519"])


def becomes(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_taken(verifier: TokenVerifier, authorization: str) -> bool:
    try:
        verifier.verify(authorization)
    except (Unauthenticated, Unavailable):
        return False
    return True


def test_a_crowd_that_meets_a_frozen_provider_is_refused_soon_and_fetches_one_at_a_time(provider: Provider) -> None:
    verifier = TokenVerifier(provider.url, ISSUER, "twinshop")
    provider.thawed.clear()

    def refused_after_s(number: int) -> float:
        began = time.monotonic()
        with pytest.raises(Unavailable):
            verifier.verify(bearer(subject=f"cust-{number}"))
        return time.monotonic() - began

    with ThreadPoolExecutor(32) as crowd:
        first = list(crowd.map(refused_after_s, range(32)))
        later = list(crowd.map(refused_after_s, range(32)))

    assert max(first) < signing_keys.WAIT_S + 0.5
    assert max(later) < 0.3
    assert provider.most_at_once == 1


def test_a_provider_that_comes_back_is_found_out(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_AT_MOST_EVERY_S", 0.1)
    verifier = TokenVerifier(provider.url, ISSUER, "twinshop")
    provider.thawed.clear()
    with pytest.raises(Unavailable):
        verifier.verify(bearer())
    provider.thawed.set()

    assert becomes(lambda: is_taken(verifier, bearer()))


def test_a_crowd_at_the_start_waits_for_one_fetch(provider: Provider) -> None:
    verifier = TokenVerifier(provider.url, ISSUER, "twinshop")

    with ThreadPoolExecutor(32) as crowd:
        accepted = list(crowd.map(lambda number: is_taken(verifier, bearer(subject=f"cust-{number}")), range(32)))

    assert all(accepted)
    assert provider.fetches == 1


def test_a_withdrawn_key_stops_counting_and_what_was_checked_by_it_too(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_AT_MOST_EVERY_S", 0.1)
    monkeypatch.setattr(signing_keys, "REFRESH_AFTER_S", 0.2)
    verifier, authorization = TokenVerifier(provider.url, ISSUER, "twinshop"), bearer()
    verifier.verify(authorization)
    provider.keys = [NEW]

    assert becomes(lambda: not is_taken(verifier, authorization))
    assert verifier.cached(authorization) is None
    assert verifier.verify(bearer(NEW)).subject == "ada"


def test_after_a_long_silence_old_keys_are_not_used_without_asking(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_AT_MOST_EVERY_S", 0.1)
    verifier, authorization = TokenVerifier(provider.url, ISSUER, "twinshop"), bearer()
    verifier.verify(authorization)
    provider.keys = [NEW]
    monkeypatch.setattr(signing_keys, "STALE_AFTER_S", 0.2)
    time.sleep(0.3)

    assert verifier.cached(authorization) is None
    with pytest.raises(Unauthenticated):
        verifier.verify(authorization)


def test_known_keys_go_on_counting_while_the_provider_is_away(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "REFRESH_AT_MOST_EVERY_S", 0.1)
    monkeypatch.setattr(signing_keys, "STALE_AFTER_S", 0.2)
    verifier = TokenVerifier(provider.url, ISSUER, "twinshop")
    verifier.verify(bearer())
    provider.thawed.clear()
    time.sleep(0.3)
    is_taken(verifier, bearer())
    began = time.monotonic()

    assert is_taken(verifier, bearer(subject="grace"))
    assert time.monotonic() - began < 0.3
