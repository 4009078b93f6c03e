"""
Attention gates on or off: both nets trained for equal steps on the same samples, judged on held-out phantoms.

    python validation/spine_ct_attention.py --steps 1500 --seed 0
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from osteon.reading.spine_ct_held_out import coarse_held_out, fine_held_out
from osteon.reading.spine_ct_training import train_spine_ct
from osteon.synth.spine_ranges import TRAINING, UNSEEN


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stages", nargs="+", default=["coarse", "fine"])
    options = parser.parse_args()
    print("attention,stage,ranges,measure,value")
    for attention in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            net = train_spine_ct(
                out=Path(folder) / "net.npz",
                steps=options.steps,
                seed=options.seed,
                stages=tuple(options.stages),
                attention=attention,
                held_out=0,
            )
        for name, ranges in (("training", TRAINING), ("unseen", UNSEEN)):
            if "coarse" in options.stages:
                for tissue, value in coarse_held_out(net, ranges=ranges).dice.items():
                    print(f"{attention},coarse,{name},dice_{tissue},{value:.4f}", flush=True)
            if "fine" in options.stages:
                fine = fine_held_out(net, ranges=ranges)
                for measure in ("body", "vertebra", "worst_body", "volume_bias"):
                    print(f"{attention},fine,{name},{measure},{getattr(fine, measure):.4f}", flush=True)


if __name__ == "__main__":
    main()
