"""Which build of PyTorch is installed, asked only when somebody wants to know."""

from __future__ import annotations

__all__ = ["torch_build"]


def torch_build() -> str | None:
    """Version, build (CPU or CUDA) and whether a GPU can be used; None without PyTorch."""
    try:
        import torch
    except ImportError:
        return None
    build = "CPU build" if torch.version.cuda is None else f"CUDA {torch.version.cuda} build"
    return f"{torch.__version__}, {build}, {'GPU usable' if torch.cuda.is_available() else 'no GPU in use'}"
