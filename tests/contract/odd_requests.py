"""What can be odd about a request: numbers, things said twice, wrong types, letters, tokens. Made from a good one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from shared.platform.test_token_form import ODD, WRONG_CLAIMS, WRONG_HEADERS, with_field
from shared.platform.tokens import ALGORITHM

Headers = tuple[tuple[str, str], ...]

NUMBERS_OF_A_QUERY = ["007", "0" * 40 + "5", str(2**63), str(2**64 + 1), "9" * 400, "+1", "-0", "1e1", "1.0", "%D9%A3"]
NUMBERS_OF_A_BODY = ["007", str(2**63), str(2**64 + 1), "9" * 400, "9" * 5000, "+1", "-0", "1e0", "1.0", "1e400", '"1"']
LETTERS_OF_A_QUERY = [
    "e%CC%81",
    "%C3%A9",
    "%00",
    "%FF",
    "%C0%AF",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%EF%BF%BF",
    "%E2%80%AE",
]
LETTERS_OF_A_BODY = ["e\u0301", "é", r"\u0000", r"\ud800", r"\udc00\ud800", r"\ud83d\ude00", "\uffff", "\u202e", "\x7f"]
WRONG_TYPES = [*ODD, "[]", "{}", "[" * 20_000 + "]" * 20_000, '{"a":' * 5_000 + "1" + "}" * 5_000]


@dataclass(frozen=True)
class Request:
    """One request: `target` is the path with its query; `field` says what is odd about it."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None
    odd: str = "nothing"

    def but(self, odd: str, **changes: Any) -> Request:
        """Return it with something odd."""
        return replace(self, odd=odd, **changes)


def odd_variants(good: Request) -> Iterator[Request]:
    """Yield the request with one thing odd at a time; none of them with another token."""
    yield from chain(_odd_query(good), _odd_path(good), _odd_headers(good))
    if good.body is not None:
        yield from chain(_odd_fields(good, good.body.decode()), _odd_text(good, good.body))


def _odd_query(good: Request) -> Iterator[Request]:
    path, _, query = good.target.partition("?")
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        for odd in NUMBERS_OF_A_QUERY if value.isdigit() else LETTERS_OF_A_QUERY:
            others = query.replace(pair, f"{name}={odd if value.isdigit() else value + odd}")
            yield good.but(f"{name}={odd}", target=f"{path}?{others}")
        yield good.but(f"{name} twice", target=f"{good.target}&{pair}")
        yield good.but(f"{name} without a value", target=f"{path}?{query.replace(pair, name)}")
        yield good.but(f"{name} as a list", target=f"{path}?{query.replace(name, f'{name}[]')}")


def _odd_path(good: Request) -> Iterator[Request]:
    path, mark, query = good.target.partition("?")
    for odd in [*LETTERS_OF_A_QUERY, "%2F", "%252F", ";a=1", "%20", "/", "//"]:
        yield good.but(f"path with {odd}", target=f"{path}{odd}{mark}{query}")


def _odd_headers(good: Request) -> Iterator[Request]:
    for header in good.headers:
        name, value = header
        others = tuple(other for other in good.headers if other != header)
        yield good.but(f"{name} twice", headers=(*good.headers, header))
        yield good.but(f"{name} twice, the second empty", headers=(*good.headers, (name, "")))
        yield good.but(f"{name} joined", headers=(*others, (name, f"{value},{value}")))
        yield good.but(f"{name} with underscores", headers=(*others, (name.replace("-", "_"), value)))
        yield good.but(f"{name} with underscores, too", headers=(*good.headers, (name.replace("-", "_"), "x")))
        yield good.but(f"{name} with a letter of Latin-1", headers=(*others, (name, value + "\xe9")))


def _odd_fields(good: Request, body: str) -> Iterator[Request]:
    for field in re.finditer(r'"(\w+)": ("[^"]*"|\d+)', body):
        before, name, value, after = body[: field.start()], field[1], field[2], body[field.end() :]
        odd_values = list(WRONG_TYPES)
        if value.isdigit():
            odd_values += NUMBERS_OF_A_BODY
        else:
            odd_values += [f"{value[:-1]}{letters}{value[-1]}" for letters in LETTERS_OF_A_BODY]
        for odd in odd_values:
            yield good.but(f"{name}: {odd[:30]}", body=f'{before}"{name}": {odd}{after}'.encode())
        yield good.but(f"{name} twice", body=f"{before}{field[0]}, {field[0]}{after}".encode())


def _odd_text(good: Request, body: bytes) -> Iterator[Request]:
    for name, raw in {
        "nothing": b"",
        "a space": b" ",
        "with a mark of its byte order": b"\xef\xbb\xbf" + body,
        "UTF-16": body.decode().encode("utf-16"),
        "with a byte that is no UTF-8": body.replace(b'"', b'"\xff', 1),
        "with a surrogate as bytes": body.replace(b'": "', b'": "\xed\xa0\x80', 1),
        "twice": body + body,
        "deep": b"[" * 30_000,
    }.items():
        yield good.but(f"body: {name}", body=raw)


class TokenForger:
    """Signs anything with the identity provider's own key: only the form of these tokens is wrong."""

    def __init__(self, data_dir: str, good_token: str) -> None:
        self._key = OKPKey.import_key(json.loads((Path(data_dir) / "signing-key.json").read_text("ascii")))
        self._header, self._claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in good_token.split(".")[:2]
        )

    def tokens(self) -> Iterator[tuple[str, str]]:
        """Yield what is odd, and the token."""
        for name, value in WRONG_CLAIMS:
            claims = with_field(self._claims, name, value)
            yield f"{name}: {value[:30]}", jws.serialize_compact(self._header, claims, self._key, [ALGORITHM])
        for name, value in WRONG_HEADERS:
            yield f"{name}: {value[:30]}", self._with_header(with_field(self._header, name, value))
        yield (
            "a claim twice",
            jws.serialize_compact(
                self._header, json.dumps(self._claims)[:-1] + ', "sub": "root"}', self._key, [ALGORITHM]
            ),
        )

    def _with_header(self, header: str) -> str:
        signed = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, json.dumps(self._claims))]
        signature = self._key.private_key.sign(b".".join(signed))  # type: ignore[union-attr]
        return b".".join((*signed, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
