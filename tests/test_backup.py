"""The commands of the operations guide that back a store up and bring it back, run as they are written there."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

import postgres
from doorkit import NOW, a_room, article, fault
from msminer.store import open_store

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"


def command(program: str) -> str:
    """The guide's command line that begins with this program."""
    found = re.search(rf"^{program} .*$", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert found, program
    return found[0]


def run(line: str, folder: Path, **environment: str) -> None:
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the command sqlite3")
def test_a_copy_taken_while_a_run_writes_is_whole_and_comes_back(tmp_path: Path) -> None:
    path = str(shutil.which("sqlite3")).rpartition("/")[0]
    with a_room(tmp_path, records=20) as here:
        here.harvest()
        home = here.settings.home
        with here.store.writing():
            run(command("sqlite3"), home, PATH=path)
        with open_store(f"sqlite:///{home / 'copy.sqlite'}", create=False) as copy:
            copy.check()
            assert copy.articles().equals(here.store.articles())
        here.server.plan.add(**fault("add", "esearch", xml=article(95_000_000, day="2026/11/22")))
        here.harvest(now=NOW + timedelta(days=1))
        here.store.close()
        (home / "copy.sqlite").replace(home / "msminer.sqlite")
        for ending in ("-wal", "-shm"):
            (home / f"msminer.sqlite{ending}").unlink(missing_ok=True)
        assert here.store.counts()["articles"] == 20
        # The next refresh fetches what came since.
        assert here.harvest(now=NOW + timedelta(days=2)).new == 1


@pytest.mark.postgres
@pytest.mark.skipif(postgres.reason_against() is not None, reason=postgres.HOW)
def test_a_dump_of_postgresql_comes_back(tmp_path: Path, postgres_server: str) -> None:
    url = postgres.empty(postgres_server)
    parts, programs = make_url(url), postgres.programs()
    known = {"PGHOST": str(parts.query["host"]), "PGUSER": str(parts.username), "PATH": f"{programs}:/usr/bin:/bin"}
    with a_room(tmp_path, records=20, store_url=url) as here:
        here.harvest()
        before = here.store.articles()
        run(command("pg_dump").replace("NAME", str(parts.database)), tmp_path, **known)
        here.server.plan.add(**fault("delete", "esearch", pmid=90_000_001))
        here.server.plan.add(**fault("add", "esearch", xml=article(95_000_000, day="2026/11/22")))
        here.harvest(now=NOW + timedelta(days=1))
        assert here.store.counts()["articles"] == 21
        here.store.close()
        run(command("pg_restore").replace("NAME", str(parts.database)), tmp_path, **known)
        assert here.store.articles().equals(before)
        assert here.harvest(now=NOW + timedelta(days=2)).new == 1
