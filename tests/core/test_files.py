"""Files are whole or absent."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from osteon.core.errors import OutputError
from osteon.core.files import checked_folder, sha256, staged_folder, whole_file, write_json, write_text


def test_a_written_file_is_whole(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "骨")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "骨"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "kept.txt"
    target.write_text("old")
    with pytest.raises(KeyError), whole_file(target) as draft:
        draft.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_a_failed_stage_leaves_the_folder_as_it_was(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(KeyError), staged_folder(out) as stage:
        (stage / "new.txt").write_text("half")
        raise KeyError
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    with staged_folder(out) as stage:
        (stage / "sub").mkdir()
        (stage / "sub" / "new.txt").write_text("whole")
    assert sorted(p.name for p in out.iterdir()) == ["mine.txt", "sub"]
    assert (out / "sub" / "new.txt").read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="is a file"), staged_folder(tmp_path / "out"):
        pass


def test_a_folder_is_checked_before_the_work(tmp_path):
    assert checked_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OutputError, match="a: is a file"):
        checked_folder(tmp_path / "a" / "b")


LIMITED = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from osteon.core.errors import OutputError
from osteon.core.files import staged_folder
try:
    with staged_folder(Path(sys.argv[1])) as stage:
        (stage / "small.txt").write_bytes(b"x" * 10)
        (stage / "big.bin").write_bytes(b"x" * 1_000_000)
except OutputError as error:
    print(error)
    sys.exit(2)
"""


def test_no_room_left_is_one_clear_line_and_nothing_half_written(tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert done.returncode == 2, done.stderr
    assert "cannot be written" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(OutputError, match="disk is full"), whole_file(tmp_path / "x") as draft:
        draft.symlink_to("/dev/full")
        with draft.open("wb") as stream:
            stream.write(b"x" * 1_000_000)


def test_json_has_no_nan_and_keeps_chinese(tmp_path):
    write_json(tmp_path / "r.json", {"值": float("nan"), "n": 3})
    assert (tmp_path / "r.json").read_text(encoding="utf-8") == '{\n "值": null,\n "n": 3\n}\n'


def test_sha256_of_nothing_is_the_published_one(tmp_path):
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
