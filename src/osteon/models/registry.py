"""
Trained models on disk: a folder with a readable card and the artefact it vouches for.

The card carries the artefact's SHA-256 and loading refuses a file that differs, before a byte of it is
interpreted. The hash guards against damage and mix-ups, not against an attacker who can rewrite the card
too: the artefact is a Python object, and loading one runs code, so load folders from trusted places only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.core.errors import FileError
from osteon.core.files import sha256, staged_folder
from osteon.models.card import ModelCard, read_card, write_card

if TYPE_CHECKING:
    from osteon.models.cluster_assign import PortraitModel
    from osteon.models.train import TrainedModel

__all__ = ["Registered", "load_model", "save_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A model together with its card and the folder it lies in."""

    model: TrainedModel | PortraitModel
    card: ModelCard
    folder: Path


def save_model(model: TrainedModel | PortraitModel, folder: Path, *, card: ModelCard) -> ModelCard:
    """Write ``model`` and ``card`` into ``folder``, wholly or not at all; gives the card with the hash filled in."""
    import joblib

    with staged_folder(folder) as stage:
        draft = stage / "model.joblib"
        joblib.dump(model, draft, compress=3)
        digest = sha256(draft)
        name = f"model-{digest[:16]}.joblib"
        draft.rename(stage / name)
        card = replace(card, artefact=name, artefact_sha256=digest)
        write_card(card, stage / "card.toml")
    return card


def load_model(folder: Path) -> Registered:
    """
    The model in ``folder``; only for folders you trust.

    Raises
    ------
    FileError
        The card or the artefact is absent, or the artefact differs from what the card vouches for.
    """
    import joblib

    card = read_card(folder / "card.toml")
    artefact = folder / card.artefact
    if not card.artefact or Path(card.artefact).name != card.artefact or not artefact.is_file():
        raise FileError(f"{folder}: the card names no artefact that is there ({card.artefact!r}).")
    found = sha256(artefact)
    if found != card.artefact_sha256:
        raise FileError(
            f"{artefact}: changed since its card was written (SHA-256 {found[:12]}..., expected "
            f"{card.artefact_sha256[:12]}...).",
            hint="Restore the file or train again.",
        )
    return Registered(model=joblib.load(artefact), card=card, folder=folder)
