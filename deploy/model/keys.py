"""Generates the secrets of an installation once: the master secret and the services' signing keys."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from deploy.model.home import write_atomically, writing
from deploy.model.parts import Secrets
from deploy.model.topology import SERVICES

MASTER = "master.key"
PUBLIC_KEYS = "service-public-keys.json"


def ensure(folder: Path) -> Secrets:
    """Create what is missing in `folder` (0700; files 0600) and return the secrets. Raises FolderTrouble."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _create_once(folder / MASTER, secrets.token_hex(32))
        if not (folder / PUBLIC_KEYS).exists():
            _create_service_keys(folder)
        return load(folder)


def load(folder: Path) -> Secrets:
    """Return the secrets of an installation that exists."""
    return Secrets(bytes.fromhex((folder / MASTER).read_text("ascii")))


def _create_service_keys(folder: Path) -> None:
    from joserfc.jwk import OKPKey  # noqa: PLC0415  (slow to import, needed once in an installation)

    public = {}
    for service in SERVICES:
        private = folder / f"{service}.jwk"
        _create_once(private, json.dumps(OKPKey.generate_key("Ed25519", {"kid": service}).as_dict(private=True)))
        key = OKPKey.import_key(json.loads(private.read_text("utf-8")))
        public[service] = key.as_dict(private=False)
    write_atomically(folder / PUBLIC_KEYS, json.dumps(public, indent=1), mode=0o600)


def _create_once(path: Path, content: str) -> None:
    """Write a file that must never change once it is there, also when two starts run at the same time."""
    if path.exists():
        return
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    write_atomically(fresh, content, mode=0o600)
    try:
        os.link(fresh, path)  # unlike a rename, this fails if another start was faster
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
