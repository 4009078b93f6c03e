"""``osteon model show | train``: saved models, and the networks osteon trains itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import bars

__all__ = ["Network", "app", "show", "train"]

app = typer.Typer(help="Saved models, and networks trained by osteon itself.", no_args_is_help=True)


class Network(StrEnum):
    """What can be trained from nothing but invented data."""

    spine_ct = "spine-ct"


@app.command("show")
def show(folder: Annotated[Path, typer.Argument(help="Folder of a saved model.")]) -> None:
    """Print the card of a model: what it was trained on, how it did, where it must not be used."""
    from osteon.models.card import card_toml, read_card

    typer.echo(card_toml(read_card(folder / "card.toml")).rstrip())


@app.command("train")
def train(
    network: Annotated[Network, typer.Argument(help="The network.")],
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Time for training, split between the stages.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of every random step.")] = 20260101,
    out: Annotated[Path, typer.Option(help="File for the weights.")] = Path("spine_ct.npz"),
    further: Annotated[
        bool, typer.Option("--further", help="Go on from the weights in OUT, or from the shipped ones.")
    ] = False,
) -> None:
    """Train the vertebra network on procedural phantoms alone; OSTEON_SPINE_WEIGHTS=FILE makes `read ct` use it."""
    from osteon.reading.spine_ct_training import train_spine_ct

    with bars():
        train_spine_ct(minutes=minutes, seed=seed, out=out, further=further)
    typer.echo(f"weights: {out}")
