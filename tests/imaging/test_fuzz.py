"""Real DICOM files and spoilt ones through the pool of readers: each is a volume or one clear error, never a crash."""

import importlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from osteon.core.errors import OsteonError
from osteon.imaging.guarded import ReaderPool
from osteon.imaging.volume import Volume

VALIDATION = Path(__file__).resolve().parents[2] / "validation"
READ = "osteon.imaging.read:read_volume"

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def mutants():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(VALIDATION))
        yield importlib.import_module("answers.dicom_mutants")


@pytest.fixture(scope="module")
def pool():
    with ReaderPool() as readers:
        yield readers


def judged(reply, path):
    """The reply is a finite volume, or one error of osteon that names the file in a line or two."""
    if reply.error is None:
        assert isinstance(reply.value, Volume), path
        assert reply.value.array.dtype == np.float32
        assert np.isfinite(reply.value.affine).all()
        return
    assert isinstance(reply.error, OsteonError), path
    message = str(reply.error)
    assert path.name in message, message
    assert len(message) < 600, message
    assert "Traceback" not in message
    assert message.count("\n") < 4  # a decoder lists its plugins
    assert reply.fate not in ("lost", "killed"), message


def test_the_same_number_gives_the_same_mutant(mutants, real_data, tmp_path):
    known = mutants.seeds(real_data / "dicom" / "pydicom_test_files")
    for n in range(20):
        first, again = tmp_path / f"first{n}", tmp_path / f"again{n}"
        for folder in (first, again):
            folder.mkdir()
            mutants.write_mutant(known, n, folder)
        for path in (p for p in first.rglob("*") if p.is_file()):
            assert path.read_bytes() == (again / path.relative_to(first)).read_bytes()


def test_every_real_file_is_a_volume_or_one_clear_error(pool, real_data):
    files = [path for path in sorted((real_data / "dicom").rglob("*")) if path.is_file()]
    assert len(files) > 250
    volumes = 0
    for path in files:
        reply = pool.ask(READ, path)
        judged(reply, path)
        volumes += reply.error is None
    assert volumes >= 10


def test_300_spoilt_files_are_volumes_or_one_clear_error_each(pool, mutants, real_data, tmp_path):
    known = mutants.seeds(real_data / "dicom")
    volumes, slowest_s, peak = 0, 0.0, 0
    for number in range(300):
        _, _, path = mutants.write_mutant(known, number, tmp_path)
        reply = pool.ask(READ, path)
        slowest_s = max(slowest_s, reply.cpu_s)  # of one processor, however busy the machine is
        peak = max(peak, reply.peak_bytes)
        judged(reply, path)
        volumes += reply.error is None
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert volumes > 10  # many faults do not touch what a volume needs
    assert slowest_s < 10
    assert peak < 10**9
