"""Writes the secrets that docker-compose.yml names, for an installation on this machine: one file each."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.compose.site import secret_files
from deploy.model import keys
from deploy.model.home import Home, write_atomically, writing


def folder(home: Home) -> Path:
    """Return the folder that docker-compose.yml takes secrets from if it is told nothing else."""
    return home.root / "compose" / "secrets"


def ensure(home: Home) -> Path:
    """Write what is missing or has changed, and return the folder. Raises FolderTrouble.

    The folder is ours alone (0700); the files in it can be read by everybody who gets in (0444), because a
    container mounts single files and does not run as us.
    """
    secrets = keys.ensure(home.keys)
    place = folder(home)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        key_files = {path.name: path.read_text("utf-8") for path in home.keys.iterdir() if path.is_file()}
        for name, content in secret_files(secrets, key_files).items():
            path = place / name
            if not path.exists() or path.read_text("utf-8") != content:
                write_atomically(path, content, mode=0o444)
    return place


if __name__ == "__main__":
    sys.stdout.write(f"{ensure(Home.from_environment())}\n")
