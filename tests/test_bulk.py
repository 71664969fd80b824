"""Bulk labelling: files arrive whole, shards appear whole, revisions and deletions apply in order."""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msminer.bulk import label as label_room
from msminer.bulk.label import label_shard
from msminer.bulk.manifest import load_manifest, make_manifest
from msminer.bulk.resolve import counts, opened, tables
from msminer.bulk.shards import Shard, ShardFolder, batch_of, encode, shard_name
from msminer.bulk.sources import FileName, FolderSource, HttpSource, open_source, read_name
from msminer.bulk.sync import Patience, files_in, gaps, sync
from msminer.bulk.trends import trends
from msminer.errors import (
    DataError,
    IncompleteResult,
    MalformedReply,
    ParseError,
    SettingsError,
    StoreDamaged,
    StoreFull,
    TransportError,
)

QUICK = Patience(tries=4, sleep=lambda _s: None, jitter=lambda: 0.0)


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """The address of a server that speaks S3's protocol, on loopback."""
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket, given as a user would: credentials and endpoint stand in the environment."""
    if request.param == "memory":
        yield f"memory://{tmp_path.name}"
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "invented")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", request.getfixturevalue("s3_server"))
    import s3fs

    name = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir(name)
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()


# ---------------------------------------------------------------- a file server that misbehaves on request


@dataclass
class FileServer:
    """Serves files with Range support; `faults` maps a name to things it does to successive requests."""

    files: dict[str, bytes]
    faults: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(files: dict[str, bytes], faults: dict[str, list[str]] | None = None) -> Iterator[FileServer]:
    state = FileServer(dict(files), {k: list(v) for k, v in (faults or {}).items()})
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            name = self.path.removeprefix("/pubmed/")
            wanted = self.headers.get("Range")
            state.asked.append((name, wanted))
            fault = state.faults[name].pop(0) if state.faults.get(name) else ""
            if not name:
                self._whole(
                    "".join(f'<a href="{n}">{n}</a> <a href="/elsewhere/{n}">x</a>' for n in state.files).encode()
                )
            elif name not in state.files:
                self.send_error(404)
            elif fault.isdigit():
                self.send_error(int(fault))
            elif fault == "redirect":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
            else:
                self._file(state.files[name], wanted, fault)

        def _file(self, data: bytes, wanted: str | None, fault: str) -> None:
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and fault != "no-range" else 0
            if wanted and start >= len(data):
                self.send_error(416)
                return
            body = data[start:]
            self.send_response(206 if wanted and fault != "no-range" else 200)
            if wanted and fault != "no-range":
                shown = start + 1 if fault == "wrong-range" else start
                self.send_header("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if fault == "garble":
                body = bytes(reversed(body))
            if fault == "cut":
                body = body[: len(body) // 2]
            self.wfile.write(body[: len(body) // 3] if fault == "stall" else body)
            if fault == "stall":
                self.wfile.flush()
                release.wait(20)
            if fault in {"cut", "stall"}:
                self.close_connection = True

        def _whole(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/pubmed/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def with_md5(files: dict[str, bytes]) -> dict[str, bytes]:
    sums = {f"{n}.md5": f"MD5({n})= {hashlib.md5(d).hexdigest()}\n".encode() for n, d in files.items()}
    return files | sums


DATA = random.Random(1).randbytes(90_000)
ONE = "pubmed26n0001.xml.gz"


def test_sync_brings_every_file_and_a_second_run_asks_for_none_again(tmp_path: Path) -> None:
    files = with_md5({ONE: DATA, "pubmed26n0002.xml.gz": b"two"}) | {"README.txt": b"no"}
    with serving(files) as server:
        first = sync([HttpSource(server.url)], tmp_path, patience=QUICK)
        server.asked.clear()
        second = sync([HttpSource(server.url)], tmp_path, patience=QUICK)
        assert not [name for name, _ in server.asked if name.endswith(".gz")]
    assert first.fetched == (ONE, "pubmed26n0002.xml.gz")
    assert (second.fetched, second.already) == ((), (ONE, "pubmed26n0002.xml.gz"))
    assert (tmp_path / ONE).read_bytes() == DATA


@pytest.mark.parametrize(
    "faults",
    [
        ["cut"],
        ["cut", "cut", "cut"],
        ["garble"],
        ["cut", "garble"],
        ["cut", "no-range"],
        ["cut", "wrong-range"],
        ["503", "500"],
        ["redirect"],
        ["stall"],
        ["cut", "stall"],
    ],
)
def test_sync_ends_with_the_very_bytes_whatever_happens_on_the_way(tmp_path: Path, faults: list[str]) -> None:
    with serving(with_md5({ONE: DATA}), {ONE: faults}) as server:
        sync([HttpSource(server.url, read_timeout=0.3)], tmp_path, patience=QUICK)
    assert (tmp_path / ONE).read_bytes() == DATA
    assert not list(tmp_path.glob("*.part"))


def test_a_cut_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serving(with_md5({ONE: DATA}), {ONE: ["cut"]}) as server:
        summary = sync([HttpSource(server.url)], tmp_path, patience=QUICK)
        assert [(n, r) for n, r in server.asked if n == ONE] == [(ONE, None), (ONE, "bytes=45000-")]
    assert summary.bytes_received == len(DATA)


def test_a_killed_sync_leaves_a_part_and_the_next_run_resumes_it(tmp_path: Path) -> None:
    (tmp_path / f"{ONE}.part").write_bytes(DATA[:30_000])
    with serving(with_md5({ONE: DATA})) as server:
        summary = sync([HttpSource(server.url)], tmp_path, patience=QUICK)
    assert summary.resumed == (ONE,)
    assert summary.bytes_received == 60_000
    assert (tmp_path / ONE).read_bytes() == DATA


def test_a_part_of_an_older_edition_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / f"{ONE}.part").write_bytes(b"old" * 1000)
    with serving(with_md5({ONE: DATA})) as server:
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)
    assert (tmp_path / ONE).read_bytes() == DATA


def test_a_lying_checksum_is_never_believed_and_the_other_files_still_arrive(tmp_path: Path) -> None:
    files = with_md5({ONE: DATA, "pubmed26n0002.xml.gz": b"two"}) | {f"{ONE}.md5": b"MD5(x)= " + b"0" * 32}
    with serving(files) as server, pytest.raises(IncompleteResult, match="0001"):
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)
    assert not (tmp_path / ONE).exists()
    assert (tmp_path / "pubmed26n0002.xml.gz").read_bytes() == b"two"


def test_a_file_published_again_replaces_the_old_one(tmp_path: Path) -> None:
    with serving(with_md5({ONE: DATA})) as server:
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)
        server.files |= with_md5({ONE: b"new edition"})
        summary = sync([HttpSource(server.url)], tmp_path, patience=QUICK)
    assert summary.replaced == (ONE,)
    assert (tmp_path / ONE).read_bytes() == b"new edition"


@pytest.mark.parametrize(("body", "error"), [(b"<html>maintenance</html>", MalformedReply), (b"", MalformedReply)])
def test_a_listing_without_files_is_an_error_not_an_empty_pubmed(tmp_path: Path, body: bytes, error: type) -> None:
    with serving({"index.html": body}) as server, pytest.raises(error):
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)


def test_a_checksum_file_that_is_an_error_page_is_refused(tmp_path: Path) -> None:
    with serving({ONE: DATA, f"{ONE}.md5": b"<html>busy</html>"}) as server, pytest.raises(IncompleteResult):
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)


def test_a_server_that_is_down_is_a_transport_error(tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        sync([HttpSource("http://127.0.0.1:9/pubmed/")], tmp_path, patience=QUICK)


def test_plain_http_to_another_machine_is_refused() -> None:
    with pytest.raises(SettingsError):
        open_source("http://ftp.example.org/pubmed/")


def test_a_bucket_serves_as_well(tmp_path: Path, bucket: str) -> None:
    mirrored(tmp_path, f"{bucket}/mirror")


def test_a_folder_serves_as_well(tmp_path: Path) -> None:
    mirrored(tmp_path, str(tmp_path / "mirror"))


def mirrored(tmp_path: Path, address: str) -> None:
    """A file that was cut before arrives from there."""
    import fsspec

    fs, root = fsspec.core.url_to_fs(address)
    fs.makedirs(root, exist_ok=True)
    for name, data in with_md5({ONE: DATA}).items():
        fs.pipe_file(f"{root}/{name}", data)
    target = tmp_path / "target"
    target.mkdir()
    (target / f"{ONE}.part").write_bytes(DATA[:100])
    assert isinstance(open_source(address), FolderSource)
    assert sync([open_source(address)], target, patience=QUICK).bytes_received == len(DATA) - 100
    assert (target / ONE).read_bytes() == DATA


def test_a_missing_folder_is_a_transport_error(tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        sync([open_source(tmp_path / "nowhere")], tmp_path / "target", patience=QUICK)


def test_only_the_newest_series_counts_and_gaps_are_named(tmp_path: Path) -> None:
    for name in ["pubmed25n0001.xml.gz", "pubmed26n0001.xml.gz", "pubmed26n0003.xml.gz", "notes.txt"]:
        (tmp_path / name).touch()
    files = files_in(tmp_path)
    assert [path.name for path in files] == ["pubmed26n0001.xml.gz", "pubmed26n0003.xml.gz"]
    assert gaps(files) == [2]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (ONE, FileName("pubmed26", 1, ONE)),
        ("pubmed26n12345.xml", FileName("pubmed26", 12345, "pubmed26n12345.xml")),
        ("../pubmed26n0001.xml.gz", None),
        ("pubmed26n0001.xml.gz.md5", None),
        ("README.txt", None),
    ],
)
def test_names(name: str, read: FileName | None) -> None:
    assert read_name(name) == read


def test_a_full_disk_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{ONE}.part").mkdir()
    with serving(with_md5({ONE: DATA})) as server, pytest.raises(StoreFull):
        sync([HttpSource(server.url)], tmp_path, patience=QUICK)


# ---------------------------------------------------------------- shards


@dataclass(frozen=True)
class WordModel:
    """Stands for the classifier: 'stem' in the text is a cell type, 'sclerosis' is MS."""

    id: str = "word-1"

    def label(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            text = f"{record['title']}\n{record['abstract']}"
            cells = [{"label": "MSC", "p": 0.9}] if "stem" in text else []
            ms = [{"label": "ms", "p": 0.8}] if "sclerosis" in text else []
            finding = {"outcome": "disability", "direction": "benefit", "cell_type": "MSC", "start": 0, "end": 4}
            findings = [finding | {"quote": text[:4], "p": 0.7}] if cells else []
            design = {"label": "animal", "p": 0.5} if cells else None
            yield {
                "pmid": record["pmid"], "model": self.id, "cell_types": cells, "study_design": design,
                "populations": ms, "routes": [], "findings": findings, "abstained": [] if cells else ["cell_types"],
            }  # fmt: skip


@pytest.fixture
def word_model(monkeypatch: pytest.MonkeyPatch) -> WordModel:
    model = WordModel()
    monkeypatch.setattr(label_room, "_model", lambda _folder: model)
    return model


def article(pmid: int, title: str = "On stem cells", *, version: int = 1, year: int = 2020, extra: str = "") -> str:
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="{version}">{pmid}</PMID>'
        f"<DateRevised><Year>2024</Year><Month>01</Month><Day>02</Day></DateRevised>"
        f'<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Print"><PubDate><Year>{year}</Year></PubDate>'
        f"</JournalIssue><Title>Made up journal</Title></Journal><ArticleTitle>{title}</ArticleTitle>"
        f"<Abstract><AbstractText>Invented text about sclerosis.</AbstractText></Abstract><Language>eng</Language>"
        f'<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList>'
        f'</Article>{extra}</MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId>'
        f"</ArticleIdList></PubmedData></PubmedArticle>"
    )


def xml_file(path: Path, articles: Sequence[str], deleted: Sequence[int] = ()) -> Path:
    gone = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in deleted)
    tail = f"<DeleteCitation>{gone}</DeleteCitation>" if deleted else ""
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>{"".join(articles)}{tail}</PubmedArticleSet>'
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def numbered(folder: Path, number: int) -> Path:
    folder.mkdir(exist_ok=True)
    return folder / f"pubmed26n{number:04}.xml.gz"


def standing(folder: ShardFolder, shards: Sequence[Shard]) -> list[tuple[int, int, str]]:
    with opened(folder, make_manifest(shards)) as session:
        return session.sql("select pmid, version, title from current order by pmid").fetchall()


def test_a_shard_is_named_by_content_and_model_and_made_once(tmp_path: Path, word_model: WordModel) -> None:
    path = xml_file(numbered(tmp_path, 1), [article(1), article(2, "Nothing")])
    shard = label_shard(path, str(tmp_path / "shards"))
    assert shard.name == shard_name(hashlib.sha256(path.read_bytes()).hexdigest(), "word-1")
    assert (shard.records, shard.deleted, shard.bad) == (2, 0, ())
    written = tmp_path / "shards" / shard.name
    before = (written.stat().st_ino, written.read_bytes())
    assert label_shard(path, str(tmp_path / "shards")) == shard
    assert (written.stat().st_ino, written.read_bytes()) == before
    written.unlink()
    label_shard(path, str(tmp_path / "shards"))
    assert written.read_bytes() == before[1]


def test_a_damaged_file_leaves_no_shard(tmp_path: Path, word_model: WordModel) -> None:
    path = xml_file(numbered(tmp_path, 1), [article(1)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ParseError):
        label_shard(path, str(tmp_path / "shards"))
    assert not list((tmp_path / "shards").glob("*")) if (tmp_path / "shards").exists() else True


def test_a_record_set_aside_is_counted_and_named(tmp_path: Path, word_model: WordModel) -> None:
    path = xml_file(numbered(tmp_path, 1), [article(1), article(2, "bad &#x1; character")])
    shard = label_shard(path, str(tmp_path / "shards"))
    assert shard.records == 1
    assert [pmid for pmid, _ in shard.bad] == ["2"]


def test_shards_may_lie_in_a_bucket(tmp_path: Path, word_model: WordModel, bucket: str) -> None:
    first = xml_file(numbered(tmp_path, 1), [article(1), article(2), article(3)])
    second = xml_file(numbered(tmp_path, 2), [article(2, "revised")], deleted=[1])
    folder = ShardFolder(f"{bucket}/shards")
    assert not folder.is_local
    shards = [label_shard(path, folder.address) for path in (first, second)]
    here = ShardFolder(str(tmp_path / "shards"))
    assert shards == [label_shard(path, here.address) for path in (first, second)]
    for shard in shards:
        assert folder.filesystem().cat_file(folder.path(shard.name)) == (tmp_path / "shards" / shard.name).read_bytes()
    make_manifest(shards).save(folder)
    manifest = load_manifest(folder, "word-1")
    assert manifest.shards == tuple(shards)
    assert standing(folder, shards) == [(2, 1, "revised"), (3, 1, "On stem cells")]
    assert counts(folder, manifest)["records"].tolist() == [2]


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_bucket_that_is_not_there_is_said(tmp_path: Path, word_model: WordModel, bucket: str) -> None:
    path = xml_file(numbered(tmp_path, 1), [article(1)])
    with pytest.raises(StoreFull, match="cannot be written"):
        label_shard(path, "s3://no-such-bucket-here/shards")
    with pytest.raises(TransportError):
        sync([open_source("s3://no-such-bucket-here/mirror")], tmp_path / "target", patience=QUICK)


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1PAR1"])
def test_a_file_that_is_no_shard_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(StoreDamaged):
        ShardFolder(str(tmp_path)).about("x.parquet")


def test_a_shard_that_cannot_be_written_is_store_full(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreFull):
        ShardFolder(str(tmp_path / "file")).put("x", b"")


def test_what_a_killed_worker_left_is_swept_and_never_read(tmp_path: Path, word_model: WordModel) -> None:
    folder = ShardFolder(str(tmp_path / "shards"))
    shard = label_shard(xml_file(numbered(tmp_path, 1), [article(1)]), folder.address)
    (tmp_path / "shards" / f".{shard.name}.0123.tmp").write_bytes(b"half")
    assert [row[0] for row in standing(folder, [shard])] == [1]
    assert folder.sweep() == 1
    assert [path.name for path in (tmp_path / "shards").iterdir()] == [shard.name]
    assert ShardFolder("memory://shards").sweep() == 0


def test_no_manifest_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreDamaged, match="run the bulk flow"):
        load_manifest(ShardFolder(str(tmp_path)), "m")


def test_a_manifest_holds_one_model() -> None:
    shards = [Shard(ONE, "a", "a", model, 0, 0, ()) for model in ("one", "two")]
    with pytest.raises(DataError):
        make_manifest(shards)


# ---------------------------------------------------------------- revisions and deletions


def test_updates_revise_and_delete_whatever_order_the_shards_were_made_in(
    tmp_path: Path, word_model: WordModel
) -> None:
    files = [
        xml_file(numbered(tmp_path, 1), [article(1), article(2), article(3), article(4, version=2, title="v2")]),
        xml_file(numbered(tmp_path, 2), [article(2, "revised"), article(4, "old version revised")], deleted=[3]),
        xml_file(numbered(tmp_path, 3), [], deleted=[1]),
        xml_file(numbered(tmp_path, 4), [article(3, "back again")]),
    ]
    folder = ShardFolder(str(tmp_path / "shards"))
    shards = [label_shard(path, folder.address) for path in reversed(files)]
    assert shards[1].records == 0
    assert shards[1].deleted == 1
    assert standing(folder, shards) == [(2, 1, "revised"), (3, 1, "back again"), (4, 2, "v2")]


def test_the_same_bytes_in_two_files_count_in_the_later_place(tmp_path: Path, word_model: WordModel) -> None:
    files = [
        xml_file(numbered(tmp_path, 1), [article(1, "first")]),
        xml_file(numbered(tmp_path, 2), [article(1, "second")]),
        xml_file(numbered(tmp_path, 3), [article(1, "first")]),
    ]
    folder = ShardFolder(str(tmp_path / "shards"))
    assert standing(folder, [label_shard(path, folder.address) for path in files]) == [(1, 1, "first")]


def row(pmid: int, version: int, title: str, deleted: bool) -> dict[str, Any]:
    return (
        {"pmid": pmid, "deleted": True}
        if deleted
        else {"pmid": pmid, "deleted": False, "version": version, "title": title}
    )


def replayed(files: list[list[tuple[int, int, bool]]]) -> list[tuple[int, int, str]]:
    """The rule told another way: load the files one after the other, as NLM asks."""
    held: dict[tuple[int, int], str] = {}
    for number, rows in enumerate(files):
        for line, (pmid, version, deleted) in enumerate(rows):
            if not deleted:
                held[pmid, version] = f"{number}.{line}"
        for pmid, _, deleted in rows:
            if deleted:
                held = {key: title for key, title in held.items() if key[0] != pmid}
    return sorted((p, v, t) for (p, v), t in held.items() if v == max(w for q, w in held if q == p))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.booleans()), max_size=6), min_size=1, max_size=5
    )
)
def test_resolution_equals_loading_file_by_file(files: list[list[tuple[int, int, bool]]]) -> None:
    folder = ShardFolder("memory://resolve")
    shards = []
    for number, rows in enumerate(files):
        data = encode([batch_of(row(p, v, f"{number}.{i}", d) for i, (p, v, d) in enumerate(rows))], {})
        folder.put(f"{number}.parquet", data)
        shards.append(Shard(f"pubmed26n{number + 1:04}.xml.gz", str(number), f"{number}.parquet", "m", 0, 0, ()))
    assert standing(folder, shards[::-1]) == replayed(files)


def test_tables_for_the_evidence_step(tmp_path: Path, word_model: WordModel) -> None:
    concern = (
        '<CommentsCorrectionsList><CommentsCorrections RefType="ExpressionOfConcernIn"><RefSource>x</RefSource>'
        "</CommentsCorrections></CommentsCorrectionsList>"
    )
    path = xml_file(
        numbered(tmp_path, 1), [article(1, extra=concern), article(2, "No cells", year=2021), article(3, year=2021)]
    )
    folder = ShardFolder(str(tmp_path / "shards"))
    manifest = make_manifest([label_shard(path, folder.address)])
    out = tables(folder, manifest, made_at="2026-11-21T00:00:00Z")
    assert out.articles["pmid"].tolist() == ["1", "3"]
    assert out.articles["concern"].tolist() == [True, False]
    assert set(out.labels["label"]) == {"MSC", "ms", "animal"}
    assert out.findings["quote"].tolist() == ["On s", "On s"]
    assert out.denominators[["year", "ms_papers"]].to_numpy().tolist() == [[2020, 1], [2021, 2]]
    assert counts(folder, manifest)["records"].tolist() == [1, 2]


def test_trends_come_from_what_stands(tmp_path: Path, word_model: WordModel) -> None:
    old = xml_file(numbered(tmp_path, 1), [article(pmid, year=2018) for pmid in range(1, 6)])
    gone = xml_file(numbered(tmp_path, 2), [article(6, year=2019)], deleted=[1, 2])
    folder = ShardFolder(str(tmp_path / "shards"))
    manifest = make_manifest([label_shard(path, folder.address) for path in (old, gone)])
    table, tests = trends(folder, manifest, now=datetime(2026, 11, 21, tzinfo=UTC))
    mine = table[(table["cell_type"] == "MSC") & (table["direction"] == "benefit") & (table["population"] == "any")]
    assert dict(zip(mine["year"], mine["studies"], strict=True)) == {2018: 3, 2019: 1}
    assert set(tests["cell_type"]) <= {"MSC", "any"}


def test_no_shards_are_no_corpus(tmp_path: Path) -> None:
    from msminer.bulk.manifest import Manifest

    with pytest.raises(DataError), opened(ShardFolder(str(tmp_path)), Manifest("m", ())):
        pass


# ---------------------------------------------------------------- killed in the middle


def _label_all(files: list[Path], shards: str) -> None:
    label_room._model = lambda _folder: WordModel()  # type: ignore[assignment]
    for path in files:
        label_shard(path, shards)


def test_kill_9_at_any_moment_changes_nothing_in_the_result(tmp_path: Path) -> None:
    files = [xml_file(numbered(tmp_path, n), [article(100 * n + i) for i in range(40)]) for n in range(1, 9)]
    fork = multiprocessing.get_context("fork")
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    whole = fork.Process(target=_label_all, args=(files, str(straight)))
    begin = time.monotonic()
    whole.start()
    whole.join()
    span = time.monotonic() - begin
    dice = random.Random(7)
    for _ in range(6):
        worker = fork.Process(target=_label_all, args=(files, str(killed)))
        worker.start()
        time.sleep(dice.random() * span)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
    last = fork.Process(target=_label_all, args=(files, str(killed)))
    last.start()
    last.join()
    read = lambda folder: {path.name: path.read_bytes() for path in folder.glob("*.parquet")}  # noqa: E731
    assert len(read(straight)) == 8
    assert read(straight) == read(killed)
