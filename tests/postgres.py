"""A private PostgreSQL server for the tests: made, started and removed by them, reachable by a socket file only."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

HOW = "install PostgreSQL (Debian: apt-get install postgresql) and, as root, have a user postgres; initdb refuses root"


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, or None."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def user() -> str | None:
    """Who runs the server: this user, or postgres when this one is root; None when there is nobody."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names and shutil.which("runuser") else None


def reason_against() -> str | None:
    """Why no server can be started here, or None."""
    if programs() is None or user() is None:
        return HOW
    return None


@contextmanager
def server() -> Iterator[str]:
    """Run a server; gives the SQLAlchemy address of its database."""
    bin_folder, owner = programs(), user()
    assert bin_folder
    assert owner
    with tempfile.TemporaryDirectory(prefix="msminer-pg-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, owner)
        data = folder / "data"
        as_owner = ["runuser", "-u", owner, "--"] if os.geteuid() == 0 else []
        start = [
            *as_owner,
            bin_folder / "initdb",
            "-D",
            data,
            "-U",
            "msminer",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        _quietly(start, folder)
        options = f"-c listen_addresses='' -k {folder} -c fsync=off"
        control = [*as_owner, bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
        _quietly([*control, "-o", options, "start"], folder)
        try:
            yield f"postgresql+psycopg://msminer@/postgres?host={folder}"
        finally:
            _quietly([*control, "-m", "immediate", "stop"], folder)


def _quietly(command: list[str | Path], folder: Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder)


def empty(server_url: str) -> str:
    """The address of a new, empty database of the server."""
    name, engine = f"t{uuid.uuid4().hex}", create_engine(server_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server_url.replace("/postgres?", f"/{name}?")


NEEDED = [pytest.mark.postgres, pytest.mark.skipif(reason_against() is not None, reason=HOW)]
# For fixtures over both databases; postgres_server of conftest is the server.
BOTH = ["sqlite", pytest.param("postgresql", marks=NEEDED)]
