"""The DNS of a cluster of one network: `python -m tests.kubernetes.cluster_dns ADDRESS`.

A Service's name is the addresses of the Pods that it selects: all of them where it publishes those that are not ready.
An answer is repeated for five seconds, as CoreDNS does: what relies on a fresh one fails here, too.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable

REPEATED_FOR_S = 5.0
HEADER = struct.Struct("!HHHHHH")
A, IN = 1, 1
NO_SUCH_NAME = 3

Addresses = Callable[[str], list[str] | None]


def answer(query: bytes, addresses: Addresses) -> bytes:
    """Return the answer to a query; `addresses` of a name are None where there is no such Service."""
    number, *_ = HEADER.unpack_from(query)
    labels, at = [], HEADER.size
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += 1 + length
    question = query[HEADER.size : at + 5]
    (kind,) = struct.unpack_from("!H", query, at + 1)
    known = addresses(labels[0]) if len(labels) == 1 else None
    mine = [one for one in known or () if kind == A]
    code = NO_SUCH_NAME if known is None else 0
    records = [struct.pack("!HHHIH", 0xC00C, A, IN, 1, 4) + socket.inet_aton(one) for one in mine]
    return HEADER.pack(number, 0x8580 | code, 1, len(mine), 0, 0) + question + b"".join(records)


def repeating(addresses: Addresses) -> Addresses:
    """Say again for a while what was said first."""
    cache: dict[str, tuple[float, list[str] | None]] = {}

    def repeat(name: str) -> list[str] | None:
        at, known = cache.get(name, (0.0, None))
        if time.monotonic() - at > REPEATED_FOR_S or not known:
            known = addresses(name)
            cache[name] = time.monotonic(), known
        return known

    return repeat


def serve(address: str, addresses: Addresses) -> None:
    """Answer for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND: the network's bridge comes with its first Pod
        server.bind((address, 53))
        while True:
            query, who = server.recvfrom(512)
            server.sendto(answer(query, addresses), who)


if __name__ == "__main__":
    from tests.kubernetes.podman_cluster import here

    serve(sys.argv[1], repeating(here().addresses))
