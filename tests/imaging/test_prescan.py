"""Bombs and false claims are refused by their headers, before anything is read: within 10 s and 1 GB."""

import gzip
import io
import struct
import zipfile
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from osteon.core.errors import FileError
from osteon.imaging.deidentify import deidentify_dicom
from osteon.imaging.guard.prescan import prescan
from osteon.imaging.guarded import LABEL_LIMITS, Limits, ReaderPool

MB = 1 << 20


def dicom(path, *, rows=4, columns=4, frames=1, pixels=b"\0" * 32, deflated=False):
    """A small CT object; its claims need not be true."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian
    scan = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    scan.SOPClassUID, scan.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    scan.Modality, scan.Rows, scan.Columns, scan.NumberOfFrames = "CT", rows, columns, frames
    scan.SamplesPerPixel, scan.PhotometricInterpretation, scan.PixelRepresentation = 1, "MONOCHROME2", 1
    scan.BitsAllocated, scan.BitsStored, scan.HighBit = 16, 16, 15
    scan.PixelSpacing, scan.ImageOrientationPatient = [1, 1], [1, 0, 0, 0, 1, 0]
    scan.ImagePositionPatient = [0, 0, 0]
    scan.PixelData = pixels
    scan.save_as(path, enforce_file_format=True)
    return path


def zeros(n_mib, wbits):
    """A deflate stream of so many MiB of zeros, made by repeating one block."""
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    mib = block.compress(bytes(MB)) + block.flush(zlib.Z_FULL_FLUSH)
    return mib * n_mib + (block.flush() if wbits < 0 else b"")


def nifti_header(shape, *, bits=16):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, {8: 2, 16: 4, 32: 16}[bits], bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    return bytes(header)


def bomb_false_claim(folder):
    return dicom(folder / "claim.dcm", rows=65535, columns=65535, frames=1000, pixels=bytes(1000))


def bomb_of_frames(folder):
    return dicom(folder / "frames.dcm", rows=1, columns=1, frames=99999, pixels=bytes(512))


def bomb_deflated(folder, claim=500 * MB):
    small = dicom(folder / "deflated.dcm", deflated=True)
    content = small.read_bytes()
    with small.open("rb") as stream:
        start = stream.seek(132) and 132
        while (
            stream.read(2) == b"\x02\0"
        ):  # the group of the file meta information is short enough to step over
            element = content[start : start + 12]
            long = element[4:6] in (b"OB", b"UN")
            length = (
                struct.unpack("<I", element[8:12])[0] + 12
                if long
                else struct.unpack("<H", element[6:8])[0] + 8
            )
            start = stream.seek(start + length)
    plain = zlib.decompress(content[start:], -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(plain[:-44] + plain[-44:-36] + struct.pack("<I", claim)) + packer.flush(
        zlib.Z_FULL_FLUSH
    )
    small.write_bytes(content[:start] + head + zeros(500, -15))
    return small


def bomb_of_elements(folder):
    small = bomb_deflated(folder, claim=32)  # small enough to inflate, but every 8 zeros are an element
    content = small.read_bytes()
    at = content.index(zeros(1, 15))
    small.write_bytes(content[:at] + zeros(100, -15))
    return small


def bomb_gzip(folder, *, shape=(512, 512, 2000)):
    members = gzip.compress(nifti_header(shape)) + gzip.compress(bytes(MB)) * 1000
    (folder / "zeros.nii.gz").write_bytes(members)
    return folder / "zeros.nii.gz"


def bomb_gzip_that_lies(folder):
    return bomb_gzip(folder, shape=(64, 64, 10))


def bomb_nifti(folder):
    (folder / "claim.nii").write_bytes(nifti_header((30000, 30000, 1000)) + bytes(1000))
    return folder / "claim.nii"


def bomb_nested(folder):
    nested = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    content = dicom(folder / "nested.dcm").read_bytes()
    (folder / "nested.dcm").write_bytes(content[: content.index(b"\x08\0\x16\0UI")] + nested * 5000)
    return folder / "nested.dcm"


def bomb_cut(folder):
    path = dicom(folder / "cut.dcm")
    path.write_bytes(path.read_bytes()[:300])
    return path


def bomb_zip(folder):
    with zipfile.ZipFile(folder / "zeros.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.dcm", bytes(300 * MB))
    return folder / "zeros.zip"


def bomb_traversal(folder):
    with zipfile.ZipFile(folder / "out.zip", "w") as archive:
        archive.writestr("../../etc/x", b"x")
    return folder / "out.zip"


def bomb_in_a_zip(folder):
    with zipfile.ZipFile(folder / "inner.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.write(bomb_deflated(folder), "slices/a.dcm")
    return folder / "inner.zip"


def bomb_nrrd(folder):
    (folder / "zeros.nrrd").write_bytes(
        b"NRRD0004\ntype: short\ndimension: 3\nsizes: 2048 2048 1000\nencoding: gzip\nendian: little\n\n"
        + bytes(100)
    )
    return folder / "zeros.nrrd"


def bomb_metaimage(folder):
    text = "ObjectType = Image\nNDims = 3\nDimSize = 2048 2048 500\nElementType = MET_SHORT\nCompressedData = True\n"
    (folder / "zeros.mha").write_bytes(text.encode() + b"ElementDataFile = LOCAL\n" + bytes(100))
    return folder / "zeros.mha"


@pytest.fixture(scope="module")
def pool():
    with ReaderPool() as readers:
        readers.call("builtins:sum", [])
        yield readers


@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (bomb_false_claim, "cut short, it claims 8590 GB of pixels"),
        (bomb_deflated, "as a decompression bomb does"),
        (bomb_of_frames, "cut short, it claims 200 kB of pixels (99999 frames) and holds 512 bytes"),
        (bomb_of_elements, "more than 500000 elements"),
        (bomb_gzip, "as a decompression bomb does"),
        (bomb_gzip_that_lies, "as a decompression bomb does"),
        (bomb_nifti, "claims 3600 GB of voxels"),
        (bomb_nested, "nested deeper than 64"),
        (bomb_cut, "cut short, nothing follows"),
        (bomb_zip, "as a decompression bomb does"),
        (bomb_traversal, "a name that leads outside"),
        (bomb_in_a_zip, "as a decompression bomb does"),
        (bomb_nrrd, "claims 16.8 GB of voxels"),
        (bomb_metaimage, "claims 8.39 GB of voxels"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bomb_is_refused_in_time_and_little_memory(pool, tmp_path, bomb, words):
    path = bomb(tmp_path)
    assert path.stat().st_size < 2 * MB
    reply = pool.ask("osteon.imaging.read:read_volume", path)
    assert reply.cpu_s < 5  # of one processor, however busy the machine is
    assert reply.peak_bytes < 10**9
    assert type(reply.error) is FileError
    assert str(path) in reply.error.message
    assert words in reply.error.message


def test_a_folder_is_refused_for_one_bomb_in_it_but_not_for_one_cut_file(tmp_path):
    dicom(tmp_path / "a.dcm")
    bomb_cut(tmp_path)
    prescan(tmp_path)
    for bomb in (bomb_deflated, bomb_of_frames):
        path = bomb(tmp_path)
        with pytest.raises(FileError, match=path.name):
            prescan(tmp_path)
        path.unlink()


def test_what_a_folder_is_not_read_for_does_not_make_it_a_bomb(tmp_path):
    dicom(tmp_path / "a.dcm")
    bomb_gzip(tmp_path)
    prescan(tmp_path)
    with pytest.raises(FileError, match="decompression bomb"):
        prescan(tmp_path / "zeros.nii.gz")


def test_many_small_files_make_one_bomb(tmp_path):
    content = dicom(tmp_path / "0.dcm", rows=1000, columns=1000).read_bytes()
    compressed = content.replace(
        b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"
    )  # RLE: the size is a claim
    for n in range(60):
        (tmp_path / f"{n}.dcm").write_bytes(compressed)
    prescan(tmp_path, limits=Limits(sparse_bytes=250 * MB))  # float32: 4 bytes a pixel
    with pytest.raises(FileError, match="decompression bomb"):
        prescan(tmp_path, limits=Limits(sparse_bytes=50 * MB))
    with pytest.raises(FileError, match="more than 59 files"):
        prescan(tmp_path, limits=Limits(files=59))


def series(folder, name, n, *, rows=256, syntax=ExplicitVRLittleEndian):
    """``n`` slices of one series; the pixels are there, or (compressed) a claim."""
    (folder / name).mkdir(parents=True)
    for k in range(n):
        path = dicom(folder / name / f"{k}.dcm", rows=rows, columns=rows, pixels=bytes(2 * rows * rows))
        scan = pydicom.dcmread(path)
        scan.SeriesInstanceUID, scan.ImagePositionPatient = f"1.2.{len(name)}", [0, 0, k]
        if syntax != ExplicitVRLittleEndian:
            scan.compress(syntax, generate_instance_uid=False)
        scan.save_as(path)
    return folder / name


def test_run_lengths_are_summed_up_before_any_is_decoded(pool, tmp_path):
    folder = series(tmp_path, "rle", 40, syntax=RLELossless)  # 64 to 1, 128 to 1 as an array
    packed = sum(path.stat().st_size for path in folder.iterdir())
    assert packed < MB
    with zipfile.ZipFile(tmp_path / "rle.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    assert pool.call("osteon.imaging.read:read_volume", folder).array.shape == (40, 256, 256)
    for place in (folder, tmp_path / "rle.zip"):
        limits = Limits(sparse_bytes=5 * MB, expansion=8)
        reply = pool.ask("osteon.imaging.read:read_volume", place, limits=limits)
        assert reply.error.message.startswith(f"{place}: ")
        assert "as a decompression bomb does; images reach 8 to 1" in reply.error.message
        assert reply.cpu_s < 1


def test_a_series_counts_as_it_is_read_and_as_it_is_handed_over(pool, tmp_path):
    folder = series(tmp_path, "ct", 40)  # 10 MiB as float32
    read = "osteon.imaging.read:read_volume"
    enough, short = (Limits(memory_bytes=n * MB) for n in (24, 19))
    assert pool.call(read, folder, limits=enough).array.shape == (40, 256, 256)
    with pytest.raises(
        FileError, match=r"ct: its files claim 10\.5 MB of voxels together; the limit is 9\.96 MB"
    ):
        pool.call(read, folder, limits=short)
    series(tmp_path, "small", 4)  # one series of several is read: the folder is not refused for the other
    prescan(tmp_path, limits=short)
    with pytest.raises(FileError, match="together"):
        prescan(folder, tmp_path / "small", limits=Limits(memory_bytes=21 * MB))  # both paths are read


@pytest.mark.parametrize("name", ["/etc/x", "C:\\x", "a/../../x", "..\\x"])
def test_names_that_lead_outside(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(FileError, match="leads outside"):
        prescan(tmp_path / "a.zip")


def test_honest_files_pass(tmp_path):
    rng = np.random.default_rng(1)
    voxels = rng.integers(0, 50, 64 * 64 * 20, dtype=np.int16).tobytes()
    dicom(tmp_path / "a.dcm")
    dicom(tmp_path / "b.dcm", deflated=True, frames=1000, pixels=bytes(32_000))
    (tmp_path / "c.nii").write_bytes(nifti_header((64, 64, 20)) + voxels)
    (tmp_path / "c.nii.gz").write_bytes(gzip.compress(nifti_header((64, 64, 20)) + voxels))
    (tmp_path / "d.txt").write_text("a note")
    (tmp_path / "empty").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "e.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.dcm", "b.dcm", "c.nii.gz"):
            archive.write(tmp_path / name, name)
    for path in (tmp_path, *tmp_path.iterdir()):
        prescan(path)


def deflated_slices(folder):
    """Valid slices that inflate past 1 MiB, with the padding byte that PS3.10 asks for, or more of it."""
    rng = np.random.default_rng(2)
    pixels = (rng.integers(-20, 20, (1120, 1120)) * (np.arange(1120) > 800)).astype(np.int16)
    for n in range(3):
        path = dicom(folder / f"{n}.dcm", rows=1120, columns=1120, pixels=pixels.tobytes(), deflated=True)
        scan = pydicom.dcmread(path)
        scan.ImagePositionPatient, scan.SeriesInstanceUID = [0, 0, n], "1.2.3"
        scan.save_as(path)
        path.write_bytes(path.read_bytes() + bytes(n + 1))
    return pixels


def test_padding_after_a_deflated_data_set_is_no_hang(pool, tmp_path):
    pixels = deflated_slices(tmp_path)
    reply = pool.ask("osteon.imaging.read:read_volume", tmp_path, limits=Limits(cpu_s=10))
    assert reply.error is None
    assert reply.cpu_s < 5
    assert np.array_equal(reply.value.array, np.stack([pixels] * 3))


@pytest.mark.parametrize("packed", [False, True])
def test_padded_deflated_slices_are_deidentified(pool, tmp_path, packed):
    source = tmp_path / "in"
    source.mkdir()
    pixels = deflated_slices(source)
    if packed:
        with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
            for path in source.iterdir():
                archive.write(path, path.name)
        source = tmp_path / "in.zip"
    made = deidentify_dicom(source, tmp_path / "out", key=b"a secret of many bytes", pool=pool)
    assert made.skipped == ()
    assert [np.array_equal(pydicom.dcmread(path).pixel_array, pixels) for path in made.files] == [True] * 3


def test_a_gzip_stream_is_counted_across_its_members(tmp_path):
    members = gzip.compress(b"no header that tells a size".ljust(400)) + gzip.compress(b"") * 40_000
    (tmp_path / "a.gz").write_bytes(members + gzip.compress(bytes(3 * MB)) + bytes(512))
    prescan(tmp_path / "a.gz", limits=Limits(sparse_bytes=4 * MB, expansion=1))
    with pytest.raises(FileError, match=r"would expand to 2\.1 MB or more"):
        prescan(tmp_path / "a.gz", limits=Limits(sparse_bytes=2 * MB, expansion=1))


@pytest.mark.parametrize(("slices", "bits"), [(300, 16), (1000, 16), (1000, 32)])
def test_the_largest_ct_passes_under_the_defaults(tmp_path, slices, bits):
    path = tmp_path / "ct.nii"
    path.write_bytes(nifti_header((512, 512, slices), bits=bits))
    with path.open("r+b") as stream:
        stream.truncate(352 + 512 * 512 * slices * bits // 8)  # a sparse file
    prescan(path)


def test_an_empty_label_map_passes(tmp_path):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as stream:
        stream.write(nifti_header((512, 512, 400), bits=16))
        for _ in range(200):
            stream.write(bytes(MB))
    (tmp_path / "labels.nii.gz").write_bytes(packed.getvalue())
    prescan(tmp_path / "labels.nii.gz", limits=LABEL_LIMITS)
    with pytest.raises(FileError, match="decompression bomb"):
        prescan(tmp_path / "labels.nii.gz")
    with pytest.raises(FileError, match="decompression bomb"):
        prescan(bomb_gzip(tmp_path), limits=LABEL_LIMITS)


@pytest.mark.data
def test_no_real_file_is_taken_for_a_bomb(real_data):
    wrong = []
    for path in (p for p in sorted((real_data / "dicom").rglob("*")) if p.is_file()):
        try:
            prescan(path)
        except FileError as error:
            wrong.append((path.name, error.message))
    assert all("cut short" in message or "holds" in message for _, message in wrong), wrong
    assert len(wrong) < 12


@pytest.mark.data
@pytest.mark.filterwarnings("ignore")
def test_the_walk_sees_the_shape_pydicom_sees(real_data):
    from osteon.imaging.guard.dicom_walk import walk

    compared = 0
    for path in sorted((real_data / "dicom").rglob("*.dcm")):
        with path.open("rb") as stream:
            seen = walk(stream, depth=64, elements=10**6)
        try:
            known = pydicom.dcmread(path, stop_before_pixels=True)
            shape = known.get("Rows", 0), known.get("Columns", 0), int(known.get("NumberOfFrames") or 1)
        except Exception:  # noqa: BLE001 - what pydicom cannot read is no oracle
            continue
        if seen.pixels_at and known.file_meta.get("TransferSyntaxUID") == seen.transfer_syntax:
            compared += 1
            assert (seen.rows, seen.columns, seen.frames) == shape, path.name
    assert compared > 100
