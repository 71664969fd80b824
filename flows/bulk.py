"""All of PubMed as a Prefect flow: sync the files, label each into one shard on Dask, say what the corpus is.

This file holds order, retries and artifacts; msminer.bulk does the work and runs without Prefect.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import certifi
import cloudpickle  # type: ignore[import-untyped]
import dask
from prefect import Task, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect_dask import DaskTaskRunner
from pydantic import Field

from msminer.bulk.label import label_shard
from msminer.bulk.manifest import Manifest, make_manifest
from msminer.bulk.resolve import counts
from msminer.bulk.shards import Shard, ShardFolder
from msminer.bulk.sources import open_source
from msminer.bulk.sync import SyncSummary, files_in, sync
from msminer.errors import IncompleteResult, ModelError, ParseError
from msminer.settings import load_settings

NLM = ("https://ftp.ncbi.nlm.nih.gov/pubmed/baseline/", "https://ftp.ncbi.nlm.nih.gov/pubmed/updatefiles/")
# The bar is 2 GB a worker: Dask's nanny restarts a worker that goes beyond, and the file is done again.
_WORKER_MEMORY = "2GB"
# Dask looks at itself up to a hundred times a second for a dashboard that is not there: 80 ms of CPU a second with two
# workers, 15 ms so (2026-11). A task takes seconds and hands over a row: nothing to spill or pause for.
_UNWATCHED: dict[str, Any] = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "5s",
    "distributed.admin.tick.limit": "60s",
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.client.scheduler-info-interval": "30s",
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
}
_PLAIN: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
# Prefect loads a flow file under a name that Dask's workers cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def _may_help(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: a full disk or a bucket may recover, a damaged file or model does not."""
    error = state.result(raise_on_failure=False)
    return not isinstance(error, ParseError | ModelError)


@task(name="sync files", **_PLAIN)
def sync_files(addresses: tuple[str, ...], folder: Path) -> SyncSummary:
    """Bring every file here, whole; the fetcher tries again by itself."""
    return sync([open_source(address) for address in addresses], folder)


@task(name="label one file", retries=2, retry_delay_seconds=[10, 60], retry_condition_fn=_may_help, **_PLAIN)
def label_one(path: Path, shards: str, model: Path | None) -> Shard:
    """Parse and label one file into its shard."""
    return label_shard(path, shards, model)


@flow(name="label files", persist_result=False)
def label_files(files: list[Path], shards: str, model: Path | None = None) -> list[Shard]:
    """One task a file; all are tried, then the failed ones are named."""
    futures = [label_one.submit(path, shards, model) for path in files]
    results = [future.result(raise_on_failure=False) for future in futures]
    failed = {
        path.name: repr(result) for path, result in zip(files, results, strict=True) if not isinstance(result, Shard)
    }
    if failed:
        raise IncompleteResult("some files were not labelled; run again to go on", failed=failed, of=len(files))
    return results


@task(name="write manifest", **_PLAIN)
def write_manifest(shards: list[Shard], folder: str) -> Manifest:
    """Say which shards make up the corpus."""
    manifest = make_manifest(shards)
    manifest.save(ShardFolder(folder))
    ShardFolder(folder).sweep()
    return manifest


@flow(name="bulk", persist_result=False, validate_parameters=True)
def bulk(
    *,
    addresses: list[str] | None = None,
    folder: Path | None = None,
    shards: str | None = None,
    model: Path | None = None,
    workers: Annotated[int, Field(ge=1, le=256)] = 2,
    cluster: Annotated[str | None, Field(pattern=r"^(tcp|tls)://")] = None,
    synced: bool = False,
) -> Manifest:
    """Label PubMed's baseline and update files.

    addresses: folders of files (https://, a path, s3://); default NLM's baseline and update files.
    folder: where the files are kept, default pubmed/ in MSMINER_HOME.
    shards: any fsspec address, default shards/ in MSMINER_HOME.
    model: folder of a model, default the shipped one.
    workers: processes on this machine.
    cluster: address of a Dask scheduler whose workers see `folder` and `shards`; `workers` then does not count.
    synced: the files are here already, ask no address.
    """
    home = load_settings().home
    folder, shards = folder or home / "pubmed", shards or str(home / "shards")
    if not synced:
        sync_files(tuple(addresses or NLM), folder)
    with task_runner(workers, cluster) as runner:
        made = label_files.with_options(task_runner=runner)(files_in(folder), shards, model)
    manifest = write_manifest(made, shards)
    _show(manifest, shards)
    return manifest


@contextmanager
def task_runner(workers: int, cluster: str | None = None) -> Iterator[DaskTaskRunner]:
    """Dask workers on this machine, or those of the cluster; while it lasts, Dask hardly watches itself."""
    with dask.config.set(_UNWATCHED):
        yield _runner(workers, cluster)


def _runner(workers: int, cluster: str | None) -> DaskTaskRunner:
    if cluster:
        return DaskTaskRunner(address=cluster)
    # Without its address each worker would start a Prefect server of its own.
    with get_client(sync_client=True) as client:
        env = {"PREFECT_API_URL": str(client.api_url)} | _in_environment(_UNWATCHED)
    if env["PREFECT_API_URL"].startswith("http://"):
        env["PREFECT_API_SSL_CERT_FILE"] = str(_one_certificate(load_settings().home))
    local = {"n_workers": workers, "threads_per_worker": 1, "memory_limit": _WORKER_MEMORY, "dashboard_address": None}
    return DaskTaskRunner(cluster_kwargs=local | {"env": env})


def _in_environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """Dask's settings as the variables that its workers read them from."""
    return {"DASK_" + name.upper().replace("-", "_").replace(".", "__"): str(value) for name, value in settings.items()}


def _one_certificate(home: Path) -> Path:
    """A file of the first root certificate, for workers that reach Prefect's server without TLS.

    Prefect's client reads its file of certificates twice a task, with or without TLS; all roots took half of the time
    that it added to a task (26 of 53 ms of CPU, 2026-11). A server reached through TLS after all would be refused.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "one-certificate.pem"
    end = "-----END CERTIFICATE-----\n"
    path.write_text(Path(certifi.where()).read_text("utf-8").split(end)[0] + end, "utf-8")
    return path


def _show(manifest: Manifest, shards: str) -> None:
    """Put the corpus on the run's page: records that stand a year, gaps, records set aside."""
    lines = [f"{len(manifest.shards)} files, {manifest.records} records, model `{manifest.model}`"]
    if manifest.gaps:
        lines.append(f"**Missing files: {list(manifest.gaps)}. Every count is too small.**")
    if manifest.bad:
        lines.append(f"**{manifest.bad} records could not be read and are set aside.**")
    table = counts(ShardFolder(shards), manifest).tail(15)
    rows = [" | ".join(map(str, row)) for row in [table.columns, ["---"] * len(table.columns), *table.to_numpy()]]
    try:
        create_markdown_artifact("\n\n".join([*lines, "\n".join(rows)]), key="bulk", description="What the shards hold")
    except Exception as error:  # noqa: BLE001  (an artifact is an extra: its failure must not fail a finished job)
        logging.getLogger("msminer").warning("the run page has no artifact: %s", type(error).__name__)
