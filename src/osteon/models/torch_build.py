"""Whether PyTorch can be used and which build it is, asked only when somebody wants to know."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from osteon.core.errors import DependencyMissing

__all__ = ["require_torch", "torch_build", "torch_fault", "torch_installed"]


def torch_installed() -> bool:
    """Whether PyTorch lies there, usable or not; loads nothing."""
    return find_spec("torch") is not None


@cache
def torch_fault() -> str | None:
    """Why PyTorch cannot be used, in one line; None where it can. Loads it, once: a second try fails in other words."""
    if not torch_installed():
        return "not installed"
    try:
        import torch  # noqa: F401
    except (
        ImportError,
        OSError,
        RuntimeError,
        AttributeError,
    ) as error:  # of another build, or without its libraries
        return f"installed but not usable ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
    return None


def require_torch() -> None:
    """
    Refuse where PyTorch cannot be used.

    Raises
    ------
    DependencyMissing
        It is not installed, or cannot be loaded.
    """
    if fault := torch_fault():
        raise DependencyMissing(
            f"the embedded networks need PyTorch, which is {fault}.",
            hint='pip install -e ".[deep]" in the checkout of osteon, or read with --backend classical.',
        )


def torch_build() -> str:
    """
    Version, build (CPU or CUDA) and whether a GPU can be used.

    Raises
    ------
    DependencyMissing
        See :func:`require_torch`.
    """
    require_torch()
    import torch

    build = "CPU build" if torch.version.cuda is None else f"CUDA {torch.version.cuda} build"
    return f"{torch.__version__}, {build}, {'GPU usable' if torch.cuda.is_available() else 'no GPU in use'}"
