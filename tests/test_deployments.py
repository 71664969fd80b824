"""The documented steps for real: server, pool, worker, deploy, run, a schedule that fires; nothing is left running."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# A busy machine of two cores took 120 s for a run of 20 s; nothing here is measured, it only must end.
PATIENCE = 400.0

RECORD = (
    '<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><Journal><Title>Made up</Title></Journal>'
    "<ArticleTitle>Mesenchymal stem cells in mice with EAE</ArticleTitle><Abstract><AbstractText>Cells were given to "
    "mice. Clinical scores improved.</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A fresh machine: a home for Prefect and one for msminer, a port, and what was started."""

    folder: Path
    port: int = field(default_factory=free_port)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def env(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MSMINER_"))}
        return mine | {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "MSMINER_HOME": str(self.folder / "home"),
            "PWD": str(ROOT),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def start(self, *command: str) -> None:
        log = (self.folder / f"{command[1]}.log").open("wb")
        with log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(process)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """An answer of the server; asked again while its SQLite file is locked (503), as Prefect's own client does."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = httpx.request(method, f"{self.api}/{path}", json=body, timeout=60)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > end:
                return answer.raise_for_status()
            time.sleep(1)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body).json()

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
        return found

    def wait(self, what: str, until: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = until()
            if found:
                return found
            time.sleep(1)
        logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.log"))
        pytest.fail(f"{what} did not happen in {PATIENCE:.0f} s\n{logs}")

    def processes(self) -> list[int]:
        """Every process on this machine that has this site's Prefect home."""
        mark = f"PREFECT_HOME={self.folder / 'prefect'}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return [pid for pid in found if pid != os.getpid()]

    def stop(self) -> None:
        """Stop as a service manager does, the worker first."""
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.api}/health", timeout=5).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    (tmp_path / "home").mkdir()
    yield site
    site.stop()
    end = time.monotonic() + 30
    while site.processes() and time.monotonic() < end:
        time.sleep(0.5)
    left = site.processes()
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left, "processes were left running"


def deployments() -> dict[str, Any]:
    text = (ROOT / "flows" / "prefect.yaml").read_text("utf-8")
    return {entry["name"]: entry for entry in yaml.safe_load(text)["deployments"]}


def test_the_file_names_flows_that_exist_and_keeps_the_schedule_off() -> None:
    found = deployments()
    assert set(found) == {"refresh", "train", "bulk"}
    assert [schedule["active"] for schedule in found["refresh"]["schedules"]] == [False]
    for entry in found.values():
        path, function = entry["entrypoint"].split(":")
        assert f"def {function}(" in (ROOT / path).read_text("utf-8")
        assert entry["enforce_parameter_schema"] is True
        assert "concurrency_limit" not in entry


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(1800)
def test_server_pool_worker_deploy_run_and_a_schedule_that_fires(site: Site) -> None:
    site.start("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(site.port), "--no-ui")
    site.wait("the server's start", site.healthy)
    assert site.run("prefect", "work-pool", "create", "msminer", "--type", "process").returncode == 0
    deployed = site.run("prefect", "--no-prompt", "deploy", "--prefect-file", "flows/prefect.yaml", "--all")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    wrong = [("refresh/refresh", "source=zz"), ("bulk/bulk", "workers=0"), ("bulk/bulk", "cluster=nowhere")]
    for name, parameter in wrong:
        refused = site.run("prefect", "deployment", "run", name, "-p", parameter)
        assert refused.returncode != 0
        assert "alid" in refused.stdout + refused.stderr
    assert site.runs("refresh") == site.runs("bulk") == []

    site.start("prefect", "worker", "start", "--pool", "msminer")
    files = site.folder / "files"
    files.mkdir()
    text = f"<PubmedArticleSet>{RECORD.format(pmid=1)}{RECORD.format(pmid=2)}</PubmedArticleSet>"
    (files / "pubmed26n0001.xml.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    parameters = {"folder": str(files), "shards": str(site.folder / "shards"), "workers": 1, "synced": True}
    begun = site.run("prefect", "deployment", "run", "bulk/bulk", *_options(parameters))
    assert begun.returncode == 0, begun.stderr
    site.wait("a run by hand", lambda: [r for r in site.runs("bulk") if r["state_type"] == "COMPLETED"])
    assert [path.suffix for path in (site.folder / "shards").glob("*.parquet")] == [".parquet"]
    assert list((site.folder / "shards").glob("manifest-*.json"))

    # The weekly schedule is off, so the first run that nobody asked for is the one of this schedule.
    bulk = next(d for d in site.post("deployments/filter", {}) if d["name"] == "bulk")
    every = {"schedule": {"interval": 30}, "active": True, "parameters": parameters}
    made = site.post(f"deployments/{bulk['id']}/schedules", [every])
    fired = site.wait(
        "a scheduled run",
        lambda: [run for run in site.runs("bulk") if run["auto_scheduled"] and run["state_type"] == "COMPLETED"],
    )
    assert fired
    site.call("DELETE", f"deployments/{bulk['id']}/schedules/{made[0]['id']}")


def _options(parameters: dict[str, Any]) -> list[str]:
    import json

    return [
        option
        for name, value in parameters.items()
        for option in ("-p", f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    ]


def test_dask_knows_the_settings_that_keep_it_quiet_and_workers_read_the_same() -> None:
    script = (
        "import sys; sys.path.insert(0, 'flows')\n"
        "import bulk, dask.config, distributed\n"
        "given = dask.config.collect_env(bulk._in_environment(bulk._UNWATCHED))\n"
        "for name, value in bulk._UNWATCHED.items():\n"
        "    dask.config.get(name)\n"
        "    assert dask.config.get(name, config=given) == value, name\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_a_worker_of_dask_killed_in_the_middle_changes_nothing(site: Site) -> None:
    """The same bytes as a straight run, although a worker process dies by SIGKILL while it labels."""
    site.start("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(site.port), "--no-ui")
    site.wait("the server's start", site.healthy)
    files = site.folder / "files"
    files.mkdir()
    for number in range(1, 7):
        records = "".join(RECORD.format(pmid=number * 10_000 + i) for i in range(2_500))
        text = f"<PubmedArticleSet>{records}</PubmedArticleSet>"
        (files / f"pubmed26n{number:04}.xml.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    script = (
        "import sys; sys.path.insert(0, 'flows')\n"
        "from pathlib import Path\n"
        "if __name__ == '__main__':\n"
        "    from bulk import bulk\n"
        "    bulk(folder=Path(sys.argv[1]), shards=sys.argv[2], workers=2, synced=True)\n"
    )
    (site.folder / "go.py").write_text(script)
    go = [sys.executable, str(site.folder / "go.py"), str(files)]
    straight, killed = site.folder / "straight", site.folder / "killed"
    done = site.run(*go, str(straight))
    assert done.returncode == 0, done.stderr[-3000:]

    process = subprocess.Popen(
        [*go, str(killed)], cwd=ROOT, env=site.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    site.wait("the first shard", lambda: list(killed.glob("*.parquet")))
    victim = _busiest(_dask_workers(process.pid))
    os.kill(victim, signal.SIGKILL)
    assert process.wait(PATIENCE) == 0
    assert _bytes(straight) == _bytes(killed)
    assert len(_bytes(straight)) == 7


def _dask_workers(parent: int) -> list[int]:
    """Processes that Dask's nannies spawned below a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.name))
    below = list(children.get(parent, []))
    for pid in below:
        below += children.get(pid, [])
    return [pid for pid in below if b"spawn_main" in (Path("/proc") / str(pid) / "cmdline").read_bytes()]


def _busiest(pids: list[int]) -> int:
    def used(pid: int) -> int:
        fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return int(fields[11])

    return max(pids, key=used)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
