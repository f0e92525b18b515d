"""The identity provider's public keys: fetched beside the requests, one fetch at a time, again on a schedule."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.request
from http.client import HTTPException

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.domain.errors import Unavailable

FETCH_TIMEOUT_S = 2.0
MAX_BYTES = 1 << 20
WAIT_S = 0.5  # how long a request waits for a fetch; an identity provider that is well answers in milliseconds
FAILURE_KEPT_S = 5.0  # after a failure nobody waits: it would tie up every thread that others browse on
REFRESH_AT_MOST_EVERY_S = 2.0
REFRESH_AFTER_S = 60.0
STALE_AFTER_S = 180.0  # so old keys are not used without asking first: one of them may have been withdrawn

log = logging.getLogger(__name__)


class SigningKeys:
    """Safe to share between threads. `version` changes whenever the keys do: what was checked by others is void."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._published: object = None
        self._fetching: threading.Event | None = None
        self._fetched_at = self._tried_at = self._failed_at = float("-inf")
        self.version = 0

    def is_stale(self) -> bool:
        """Tell whether `current` may wait. Otherwise this sees to it that the keys are fetched in time."""
        age_s = time.monotonic() - self._fetched_at
        if REFRESH_AFTER_S < age_s <= STALE_AFTER_S:
            self._begin()
        return age_s > STALE_AFTER_S

    def current(self) -> KeySet:
        """Return the keys; without any yet, wait a moment for them. Raises Unavailable."""
        if self.is_stale():
            self._wait(self._begin())
        if self._keys is None:
            raise Unavailable("The identity provider's keys cannot be fetched.")
        return self._keys

    def with_key(self, key_id: str | None) -> KeySet:
        """Return the keys, fetched anew if this one is not among them: it may be new. Raises Unavailable."""
        keys = self.current()
        if key_id in {key.kid for key in keys.keys}:
            return keys
        self._wait(self._begin())
        return self.current()

    def _begin(self) -> threading.Event | None:
        """Start a fetch unless one runs, or was tried just now; return what is set when the one that runs is over."""
        with self._lock:
            now = time.monotonic()
            if self._fetching is None and now - self._tried_at >= REFRESH_AT_MOST_EVERY_S:
                self._tried_at, self._fetching = now, threading.Event()
                threading.Thread(target=self._fetch, args=(self._fetching,), name="signing-keys", daemon=True).start()
            return self._fetching

    def _wait(self, fetching: threading.Event | None) -> None:
        is_failing = time.monotonic() - self._failed_at <= FAILURE_KEPT_S
        if fetching is not None and not is_failing and not fetching.wait(WAIT_S):
            self._failed_at = time.monotonic()

    def _fetch(self, over: threading.Event) -> None:
        try:
            with urllib.request.urlopen(self._url, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310
                published = json.loads(answer.read(MAX_BYTES))
            keys = KeySet.import_key_set(published)
        except (OSError, HTTPException, ValueError, TypeError, KeyError, JoseError) as error:
            self._failed_at = time.monotonic()
            log.warning("the identity provider's keys cannot be fetched: %s", error)
        else:
            if published != self._published:
                self._keys, self._published = keys, published
                self.version += 1
            self._fetched_at, self._failed_at = time.monotonic(), float("-inf")
        finally:
            with self._lock:
                self._fetching = None
            over.set()
