"""A net reads a volume piece by piece: overlapping windows, blended, in bounded memory and on a chosen number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from osteon.core.cores import shared_out, side_by_side, working_threads
from osteon.core.errors import ShapeError

__all__ = ["bfloat16_is_fast", "on_threads", "patchwise"]


def bfloat16_is_fast() -> bool:
    """Whether this processor multiplies bfloat16 natively; elsewhere it is emulated and slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported())


@contextmanager
def on_threads(threads: int | None = None) -> Iterator[None]:
    """
    Run PyTorch on so many threads inside the block.

    None takes those of :func:`osteon.core.cores.working_threads`.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or working_threads())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _starts(length: int, window: int, overlap: float) -> list[int]:
    """First voxels of windows that cover ``length`` evenly with at least the overlap asked for."""
    if length <= window:
        return [0]
    count = int(np.ceil((length - window) / (window * (1 - overlap)))) + 1
    return [round(k * (length - window) / (count - 1)) for k in range(count)]


def _taper(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Weight of a window's voxels: full in the middle, little at its faces, where the net sees least."""
    weight = np.ones(shape, np.float32)
    for axis, n in enumerate(shape):
        depth = np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) / max(1.0, n / 4)
        weight *= (
            np.clip(depth, 0.05, 1.0).astype(np.float32).reshape([-1 if k == axis else 1 for k in range(3)])
        )
    return weight


def patchwise(
    net: nn.Module,
    image: NDArray[Any],
    *,
    window: tuple[int, int, int],
    overlap: float = 0.25,
    outside: float = 0.0,
    bfloat16: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """
    Class probabilities of a whole image.

    Parameters
    ----------
    net : Module
        Gives logits; its ``multiple`` divides every side of the window.
    image : ndarray (channels, z, y, x), float32
    window : (int, int, int)
        Voxels seen at once. A smaller image is padded with ``outside`` to the next multiple.
    overlap : float, 0-0.9
        Least share of a window that its neighbour sees too.
    outside : float
        What lies beyond the image.
    bfloat16 : bool
        Multiply in half precision; see :func:`bfloat16_is_fast`.
    progress : callable, optional
        Told the share that is done.

    Returns
    -------
    ndarray (classes, z, y, x), float32
        Sums to one over the classes. Memory: this array, the weights of one channel, and the activations of at
        most four windows.

    Raises
    ------
    ShapeError
        The image is no (channels, z, y, x), or the window is no multiple of what the net halves.
    """
    if image.ndim != 4:
        raise ShapeError(f"an image with {image.ndim} axes, expected (channels, z, y, x).")
    multiple = int(getattr(net, "multiple", 1))
    if any(side % multiple for side in window):
        raise ShapeError(f"a window of {window}, expected multiples of {multiple}.")
    shape = image.shape[1:]
    seen = tuple(min(w, -(-n // multiple) * multiple) for w, n in zip(window, shape, strict=True))
    pad = [max(w - n, 0) for w, n in zip(seen, shape, strict=True)]
    padded = np.pad(image, [(0, 0), *((0, p) for p in pad)], constant_values=outside)
    weight = _taper(seen)
    total = np.zeros(padded.shape[1:], np.float32)
    out: NDArray[np.float32] | None = None
    corners = list(product(*(_starts(n, w, overlap) for n, w in zip(padded.shape[1:], seen, strict=True))))
    cuts = [tuple(slice(c, c + w) for c, w in zip(corner, seen, strict=True)) for corner in corners]
    net.eval().to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def looked(cut: tuple[slice, ...]) -> NDArray[np.float32]:
        piece = torch.from_numpy(np.ascontiguousarray(padded[(slice(None), *cut)], dtype=np.float32))[None]
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = net(piece.to(memory_format=torch.channels_last_3d))
        return np.asarray(logits.float().softmax(1)[0].numpy(), dtype=np.float32)

    # windows side by side keep the cores busier than the parts of one do
    beside, each = shared_out(threads or working_threads(), len(cuts))
    with on_threads(each):
        said = side_by_side(looked, cuts, threads=beside)
        for done, (cut, p) in enumerate(zip(cuts, said, strict=True), start=1):
            if out is None:
                out = np.zeros((p.shape[0], *padded.shape[1:]), np.float32)
            out[(slice(None), *cut)] += p * weight
            total[cut] += weight
            if progress is not None:
                progress(done / len(cuts))
    if out is None:
        raise ShapeError("an image without voxels.")
    out /= total
    return out[(slice(None), *(slice(n) for n in shape))]
