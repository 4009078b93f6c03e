import gzip
import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from osteon.cohort import registry as room
from osteon.cohort.registry import LOCK, DataFile, DataSet, check, data_set, fetch, registry
from osteon.core.errors import ConfigError, FileError
from osteon.core.progress import listening


class Quiet(SimpleHTTPRequestHandler):
    hits = ()

    def log_message(self, *_):
        type(self).hits = (*type(self).hits, self.path)


@pytest.fixture
def server(tmp_path):
    """A local server over a folder; gives its address and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    Quiet.hits = ()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}", folder
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def toy(monkeypatch, server):
    """A registry of one set: a file with a known hash and one never seen."""
    address, folder = server
    (folder / "known.csv").write_bytes(b"a,b\n1,2\n")
    (folder / "unseen data.csv").write_bytes(b"first\n")
    made = DataSet(name="toy", title="t", licence="CC0", redistributable=True, citation="c", notes="", files=(
        DataFile(address="https://example.invalid/x/known.csv", path="tables/known.csv",
                 sha256=hashlib.sha256(b"a,b\n1,2\n").hexdigest(), bytes=8),
        DataFile(address="https://example.invalid/x/unseen%20data.csv", path="tables/unseen.csv", sha256="", bytes=0),
    ))  # fmt: skip
    monkeypatch.setattr(room, "registry", lambda: {"toy": made})
    return address, folder


def test_fetch_checks_the_hash_and_does_not_fetch_twice(toy, tmp_path):
    address, _ = toy
    told = []
    with listening(lambda *step: told.append(step)):
        paths = fetch("toy", into=tmp_path / "data", base_url=address)
    assert [path.read_bytes() for path in paths] == [b"a,b\n1,2\n", b"first\n"]
    assert told == [("fetch toy", 0, 2), ("fetch toy", 1, 2), ("fetch toy", 2, 2)]
    before = len(Quiet.hits)
    assert fetch("toy", into=tmp_path / "data", base_url=address) == paths
    assert len(Quiet.hits) == before == 2
    assert {state.state for state in check(tmp_path / "data")} == {"ok"}


def test_a_changed_file_is_refused_and_nothing_is_left_behind(toy, tmp_path):
    address, folder = toy
    (folder / "known.csv").write_bytes(b"a,b\n1,3\n")
    with pytest.raises(FileError, match=r"expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}, 8 bytes"):
        fetch("toy", into=tmp_path / "data", base_url=address)
    assert [
        path for path in (tmp_path / "data").rglob("*") if path.is_file() or path.name.startswith(".")
    ] == []


def test_the_first_fetch_of_an_unseen_file_is_remembered(toy, tmp_path):
    address, folder = toy
    data = tmp_path / "data"
    fetch("toy", into=data, base_url=address)
    assert LOCK in {path.name for path in data.iterdir()}
    (data / "tables/unseen.csv").unlink()
    (folder / "unseen data.csv").write_bytes(b"second\n")
    with pytest.raises(FileError, match="not the expected file"):
        fetch("toy", into=data, base_url=address)
    assert {s.path: s.state for s in check(data)} == {
        "tables/known.csv": "ok",
        "tables/unseen.csv": "missing",
    }


def test_a_file_changed_on_disk_is_seen_and_never_overwritten(toy, tmp_path):
    address, _ = toy
    data = tmp_path / "data"
    fetch("toy", into=data, base_url=address)
    (data / "tables/known.csv").write_bytes(b"mine")
    assert {s.path: s.state for s in check(data)} == {
        "tables/known.csv": "changed",
        "tables/unseen.csv": "ok",
    }
    with pytest.raises(FileError, match="changed since it was fetched"):
        fetch("toy", into=data, base_url=address)
    assert (data / "tables/known.csv").read_bytes() == b"mine"


def test_an_address_that_does_not_answer_is_one_clear_line(toy, tmp_path):
    address, folder = toy
    (folder / "known.csv").unlink()
    with pytest.raises(FileError, match=r"known\.csv: could not be fetched \(HTTPError: 404"):
        fetch("toy", into=tmp_path / "data", base_url=address)
    with pytest.raises(FileError, match="could not be fetched"):
        fetch("toy", into=tmp_path / "data", base_url="http://127.0.0.1:9")
    assert not list((tmp_path / "data").rglob("*.csv"))


def test_a_file_put_by_hand_without_known_hash_is_called_unverified(toy, tmp_path):
    (tmp_path / "data/tables").mkdir(parents=True)
    (tmp_path / "data/tables/unseen.csv").write_bytes(b"x")
    assert [s.state for s in check(tmp_path / "data")] == ["missing", "unverified"]


def test_refusals(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'nhanes_2017_2020'"):
        fetch("nhanes_2017_2021", into=tmp_path)
    with pytest.raises(FileError, match="no address"):
        fetch("nhanes_bone_table", into=tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        check(tmp_path / "nowhere")
    (tmp_path / LOCK).write_text("{", encoding="utf-8")
    with pytest.raises(FileError, match="damaged"):
        check(tmp_path)


def test_every_set_says_where_it_comes_from_and_under_which_licence():
    paths = []
    for name, found in registry().items():
        assert found.licence and found.citation and found.title, name
        for file in found.files:
            assert file.address == "" or file.address.startswith("https://")
            assert file.address or file.sha256
            assert len(file.sha256) in (0, 64)
            assert (file.bytes > 0) == (file.sha256 != "")
            assert ".." not in file.path and not file.path.startswith("/")
            paths += [file.path, *(copy.path for copy in file.local)]
    assert len(paths) == len(set(paths))
    raw = {f.path.rsplit("/", 1)[-1] for f in data_set("nhanes_2017_2020").files}
    assert {"P_DEMO.XPT", "P_BMX.XPT", "P_DXXFEM.XPT", "P_DXXSPN.XPT", "P_OSQ.XPT", "P_MCQ.XPT", "P_BIOPRO.XPT",
            "P_SMQ.XPT", "P_ALQ.XPT", "P_DIQ.XPT", "P_PAQ.XPT", "P_HSQ.XPT"} == raw  # fmt: skip


def test_file_names_within_a_set_are_unique_so_that_a_mirror_can_serve_them():
    for found in registry().values():
        names = [file.address.rsplit("/", 1)[-1] for file in found.files if file.address]
        assert len(names) == len(set(names)), found.name


def test_the_real_data_folder_agrees_with_the_registry(real_data):
    states = check(real_data)
    assert [state for state in states if state.state in ("changed", "unverified")] == []
    there = {state.name for state in states if state.state == "ok"}
    assert there == set(registry())
    here = {file.path for found in registry().values() for file in found.files if file.sha256 or file.local}
    gone = {state.path for state in states if state.state == "missing"}
    assert gone.isdisjoint(here)


def test_a_packed_copy_unpacks_to_the_hash_of_the_address(real_data):
    for name in ("nhanes_2017_2020", "nhanes_mortality"):
        for file in data_set(name).files:
            for copy in file.local:
                content = gzip.decompress((real_data / copy.path).read_bytes())
                assert hashlib.sha256(content).hexdigest() == file.sha256
                assert len(content) == file.bytes
