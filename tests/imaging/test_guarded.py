"""Whatever a reader meets, the caller gets a value or one clear error that names the file, in time."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from osteon.core.errors import ConfigError, FileError, ShapeError
from osteon.imaging.guarded import Limits, ReaderPool, guarded
from osteon.imaging.volume import Volume

AFFINE = np.eye(4)


@pytest.fixture(scope="module")
def pool():
    with ReaderPool() as readers:
        yield readers


def test_arrays_come_back_whole_and_writable(pool):
    numbers = pool.call("numpy:arange", 3_000_000)
    assert numbers.dtype == np.arange(1).dtype
    assert np.array_equal(numbers, np.arange(3_000_000))
    numbers[0] = 7  # a private copy of the page


@pytest.mark.parametrize("flip", [1, -1])
def test_a_volume_goes_there_and_comes_back(pool, flip):
    array = np.arange(24_000, dtype=np.float32).reshape(20, 30, 40)[::flip].transpose(1, 0, 2)
    again = pool.call(
        "osteon.imaging.volume:Volume", array=array, affine=AFFINE, meta={"kvp": 120.0}, notes=("a",)
    )
    assert isinstance(again, Volume)
    assert np.array_equal(again.array, array)
    assert (again.meta, again.notes) == ({"kvp": 120.0}, ("a",))


def test_osteons_own_errors_arrive_as_themselves(pool):
    with pytest.raises(ShapeError, match="2 axes") as told:
        pool.call("osteon.imaging.volume:Volume", array=np.zeros((100, 100)), affine=AFFINE)
    assert told.value.code == "input.shape"
    with pytest.raises(ConfigError) as told:
        pool.call(Limits, cpu_s=-1.0)
    assert told.value.hint == "Leave the limit out to get its default."


@pytest.mark.parametrize(
    ("function", "args", "limits", "fate", "words"),
    [
        ("os:abort", (), {}, "crashed", "crashed on it (SIGABRT)"),
        ("ctypes:string_at", (0,), {}, "crashed", "crashed on it (SIGSEGV)"),
        ("os:_exit", (3,), {}, "crashed", "crashed on it (no answer)"),
        ("numpy:ones", (10**10,), {}, "refused", "more memory than the 4.29 GB allowed"),
        ("builtins:bytearray", (200 << 20,), {"memory_bytes": 100 << 20}, "refused", "more memory than the 105 MB"),
        ("time:sleep", (60,), {"wall_s": 0.3}, "wall_limit", "not read within 0 s"),
        ("builtins:sum", (range(10**12),), {"cpu_s": 1.0}, "cpu_limit", "more than 1 s of processor time"),
        ("json:loads", ("[" * 100_000,), {}, "refused", "nested deeper"),
        ("struct:unpack", ("<I", b"abc"), {}, "refused", "cannot be read (error: unpack requires"),
        ("signal:raise_signal", (signal.SIGKILL,), {}, "killed", "the reader was killed"),
    ],
)  # fmt: skip
def test_every_end_of_a_reader_is_one_clear_error(pool, function, args, limits, fate, words):
    start, before = time.monotonic(), Counter(pool.fates)
    reply = pool.ask(function, *args, limits=Limits(**limits))
    assert isinstance(reply.error, FileError)
    assert reply.error.message.startswith(f"{function}: ")
    assert words in reply.error.message
    assert reply.error.hint
    assert reply.fate == fate
    assert pool.call("builtins:sum", [1, 2]) == 3  # another reader stands ready
    assert pool.fates - before == {fate: 1, "answered": 1}
    assert time.monotonic() - start < 10


def test_the_file_is_named(pool, tmp_path):
    (tmp_path / "scan.bin").write_bytes(b"nothing")
    with pytest.raises(FileError, match=r"scan\.bin: cannot be read \(UnpicklingError"):
        pool.call("numpy:load", tmp_path / "scan.bin", allow_pickle=True)
    with pytest.raises(FileError, match=r"none\.nii: no such file"):
        pool.call("numpy:load", tmp_path / "none.nii")


def test_relative_paths_are_those_of_the_caller(pool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.arange(3))
    assert pool.call("numpy:load", Path("a.npy")).tolist() == [0, 1, 2]


@pytest.fixture
def study_folder(tmp_path, monkeypatch):
    """The working folder of an upload that brings modules by the names of the readers' own."""
    for name in ("numpy", "dl", "pydicom", "gdcm", "zlib", "socket", "pickle", "resource", "runpy", "osteon"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    (tmp_path / "openjpeg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("prefork", [True, False])
@pytest.mark.parametrize("path", ["", os.pathsep])
def test_code_in_the_working_folder_is_never_run(study_folder, monkeypatch, prefork, path):
    monkeypatch.setenv("PYTHONPATH", path)  # an empty part would stand for the working folder
    with ReaderPool(prefork=prefork) as readers:
        assert readers.call("numpy:arange", 3).tolist() == [0, 1, 2]
        assert readers.call("os:getcwd") == str(study_folder)
    assert not (study_folder / "ran").exists()


@pytest.mark.parametrize("path", ["relative", "absolute"])
def test_readers_run_the_code_that_asks_them(study_folder, monkeypatch, path):
    root = Path(guarded.__code__.co_filename).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.path.relpath(root) if path == "relative" else str(root))
    ask = "from osteon.imaging.guarded import ReaderPool as P\nimport osteon\nprint(osteon.__file__)\n"
    ask += "with P(prefork=False) as p: print(p.call('importlib.util:find_spec', 'osteon').origin)"
    said = subprocess.run([sys.executable, "-P", "-c", ask], capture_output=True, text=True, check=True)
    ours, theirs = (Path(line).resolve() for line in said.stdout.split())
    assert ours == theirs == (root / "osteon" / "__init__.py").resolve()
    assert not (study_folder / "ran").exists()


def test_a_pool_outlives_the_process_of_its_readers(pool):
    pool.call("builtins:sum", [1])
    os.kill(pool._process.pid, signal.SIGKILL)
    pool._process.wait()
    assert pool.call("builtins:sum", [1, 2]) == 3


def test_threads_share_a_pool(pool):
    def half(n):
        return pool.call("numpy:full", 10_000, n)[0] if n % 2 else pool.ask("os:abort").fate

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(half, range(12))) == ["crashed" if n % 2 == 0 else n for n in range(12)]


def test_no_reader_stays_behind(tmp_path):
    with ReaderPool() as readers:
        readers.call("builtins:sum", [1])
        children = Path(f"/proc/{readers._process.pid}/task/{readers._process.pid}/children")
        while children.read_text(encoding="ascii"):
            time.sleep(0.01)
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(readers.ask, "time:sleep", 20)
            while not (sleeper := children.read_text(encoding="ascii").split()):
                time.sleep(0.01)
            readers.close()
            assert asked.result().fate == "lost"
    deadline = time.monotonic() + 5
    while Path(f"/proc/{sleeper[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{sleeper[0]}").exists()


def test_where_nothing_can_be_limited_it_is_said():
    readers = ReaderPool(prefork=False)
    volume = readers.call(
        "osteon.imaging.volume:Volume", array=np.zeros((9, 9, 99), np.float32), affine=AFFINE
    )
    assert volume.notes == ("reader_memory_not_limited",)
    with pytest.raises(ShapeError):
        readers.call("osteon.imaging.volume:Volume", array=np.zeros(3), affine=AFFINE)
    assert readers.ask("os:abort").fate == "crashed"


def test_a_function_that_can_be_imported_is_as_good_as_its_address():
    assert guarded(np.linspace, 0, 1, num=3).tolist() == [0, 0.5, 1]


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigError):
        ReaderPool(0)
    with pytest.raises(ConfigError):
        Limits(memory_bytes=0)
