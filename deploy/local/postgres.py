"""PostgreSQL from the wheel: a data folder is made once, and the server never runs as root."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.process import Launch, end
from deploy.model.errors import MissingProgram, StartFailed
from deploy.model.home import Home, writing
from deploy.model.infrastructure import INITDB_OPTIONS
from deploy.model.parts import Part, Secrets
from deploy.runner import binaries

UNPRIVILEGED = ("postgres", "nobody")  # the first that exists; initdb wants a user with an entry in passwd


def launch(home: Home, stack: str, part: Part, secrets: Secrets, environment: Mapping[str, str]) -> Launch:
    """Make the data folder if it is not there and return how to start the server. Raises FolderTrouble, StartFailed."""
    data = home.data(stack, part.name)
    with writing(data):
        if not data.exists():
            _create(home, data, part.database, secrets)
    end_orphans(data)
    server = _Server(data)
    command = (
        *server.prefix,
        str(binaries.postgres()),
        *part.command[1:],
        *("-c", "listen_addresses=127.0.0.1", "-c", f"port={part.port('sql')}"),
        *("-c", "unix_socket_directories=", "-D", str(data)),
    )
    return Launch(command, environment, data, home.log(stack, part.name), server.user, server.group)


def end_orphans(data: Path) -> None:
    """Kill what a killed server left behind: a new one refuses to start beside the old one's backends."""
    orphans = []
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres" and process.cwd() == str(data):
                orphans.append(process)
    end(orphans)


class _Server:
    """As whom a server runs on this data folder: as us, or, where we are root, as an unprivileged user.

    If that user cannot reach the folder (a clone below /root), it is given the one capability that
    lets it read and search folders, rather than opening folders that are not ours.
    """

    def __init__(self, data: Path) -> None:
        self.user: str | None = None
        self.group: int | None = None
        self.prefix: tuple[str, ...] = ()
        if os.geteuid() != 0:
            return
        account = unprivileged_account()
        self._owner = (account.pw_uid, account.pw_gid)
        if can_reach(data.parent, account) and can_reach(binaries.postgres().parent, account):
            self.user, self.group = account.pw_name, account.pw_gid
            return
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise MissingProgram(
                f"PostgreSQL does not run as root, and the user {account.pw_name} cannot reach {data}. "
                "Set TWINSHOP_HOME to a folder outside /root, or install setpriv (util-linux)."
            )
        who = ("--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups")
        may = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
        self.prefix = (setpriv, *who, *may, "--")

    def owns(self, folder: Path) -> None:
        """Give the folder, which is empty or a copy, to whom the server runs as."""
        folder.chmod(0o700)
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, *self._owner, follow_symlinks=False)

    def run(self, program: str, *arguments: str, text: str = "") -> None:
        """Run a program of PostgreSQL to its end. Raises StartFailed with what it said."""
        process = subprocess.run(
            [*self.prefix, str(binaries.postgres(program)), *arguments],
            input=text, capture_output=True, text=True, check=False, cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            user=self.user, group=self.group, extra_groups=() if self.user else None,
        )  # fmt: skip
        if process.returncode != 0 or "ERROR:" in process.stderr or "FATAL:" in process.stderr:
            raise StartFailed(f"{program} failed:\n{process.stderr.strip()[-2000:]}")


def unprivileged_account() -> pwd.struct_passwd:
    """Return the account that runs PostgreSQL when we are root. Raises StartFailed if there is none."""
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise StartFailed(f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED)}.")


def can_reach(folder: Path, account: pwd.struct_passwd) -> bool:
    """Whether this account may search the folder and every folder above it (access lists are not looked at)."""
    for place in (folder, *folder.parents):
        details = place.stat()
        if details.st_uid == account.pw_uid:
            needed = stat.S_IXUSR
        elif details.st_gid == account.pw_gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not details.st_mode & needed:
            return False
    return True


def _create(home: Home, data: Path, database: str, secrets: Secrets) -> None:
    """Make a data folder with its role and database; it appears under its name only when it is complete."""
    template = _template(home, secrets)
    fresh = data.with_name(f".{data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)  # what an interrupted start left
    shutil.copytree(template, fresh)
    server = _Server(fresh)
    server.owns(fresh)
    password = secrets.of(f"database/{database}")
    statements = (
        f"CREATE ROLE {database} LOGIN PASSWORD '{password}';\n"
        f"CREATE DATABASE {database} OWNER {database};\n"
    )  # fmt: skip
    # The stand-alone mode needs no port, no password and no waiting.
    server.run("postgres", "--single", "-c", "log_checkpoints=off", "-D", str(fresh), "postgres", text=statements)
    fresh.rename(data)


def _template(home: Home, secrets: Secrets) -> Path:
    """Return an initialised data folder to copy from: five copies are faster than five times initdb."""
    template = home.root / "postgres-template"
    with (home.root / "postgres-template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if template.exists():
            return template
        fresh = home.root / ".postgres-template.new"
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "data").mkdir(parents=True)
        (fresh / "password").write_text(secrets.of("database/superuser"), "ascii")
        server = _Server(fresh)
        server.owns(fresh)
        server.run(
            "initdb", "-D", str(fresh / "data"), "-U", "twinshop", "--pwfile", str(fresh / "password"),
            "--no-sync", *INITDB_OPTIONS,
        )  # fmt: skip
        (fresh / "data").rename(template)
        shutil.rmtree(fresh)
    return template
