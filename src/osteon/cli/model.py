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
def show(
    model: Annotated[
        str, typer.Argument(help="Folder of a saved model, or spine-ct for the networks in use.")
    ],
) -> None:
    """Print the card of a model: what it was trained on, how it did, where it must not be used."""
    from osteon.models.card import card_toml, read_card

    if model == Network.spine_ct and not Path(model).exists():
        from osteon.models.spine_card import spine_card
        from osteon.models.spine_net import spine_net

        card = spine_card(spine_net())
    else:
        card = read_card(Path(model) / "card.toml")
    typer.echo(card_toml(card).rstrip())


@app.command("train")
def train(
    network: Annotated[Network, typer.Argument(help="The network.")],
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Time for training, split between the stages; timed into steps.")
    ] = 60.0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of each stage, exactly, in place of --minutes.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random step.")] = 20260101,
    out: Annotated[Path, typer.Option(help="File for the weights.")] = Path("spine_ct.npz"),
    further: Annotated[
        bool, typer.Option("--further", help="Go on from the weights in OUT, or from the shipped ones.")
    ] = False,
) -> None:
    """Train the vertebra network on procedural phantoms alone; OSTEON_SPINE_WEIGHTS=FILE makes `read ct` use it."""
    from osteon.models.card import write_card
    from osteon.models.spine_card import spine_card
    from osteon.reading.spine_ct_training import train_spine_ct

    with bars():
        net = train_spine_ct(
            minutes=None if steps else minutes, steps=steps, seed=seed, out=out, further=further
        )
    card = out.with_suffix(".card.toml")
    write_card(spine_card(net), card)
    for stage in net.stages:
        typer.echo(f"{stage}: {net.card[stage]['steps']} steps, seed {net.card[stage]['seed']}")
    typer.echo(f"weights: {out}\ncard: {card}")
