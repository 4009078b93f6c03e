"""
Attention gates on or off: both nets trained for equal steps on the same samples, judged on held-out phantoms.

    python validation/spine_ct_attention.py [--steps 800] [--seeds 0]

Writes validation/spine_ct_attention.csv and .md. SIMULATED spines; a short training, enough to compare, not to use.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

from osteon.core.provenance import code_version
from osteon.reading.spine_ct_held_out import coarse_held_out, fine_held_out
from osteon.reading.spine_ct_training import train_spine_ct
from osteon.synth.spine_ranges import TRAINING, UNSEEN

HERE = Path(__file__).parent
FINE = ("body", "vertebra", "worst_body", "volume_bias")


def judged(steps: int, seed: int, *, attention: bool) -> dict[tuple[str, str, str], float]:
    """Figures of both stages, by (stage, ranges, measure), and the minutes each training took."""
    found: dict[tuple[str, str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "net.npz"
        for stage in ("coarse", "fine"):
            begun = time.monotonic()
            net = train_spine_ct(
                out=out, steps=steps, seed=seed, stages=(stage,), attention=attention, held_out=0
            )
            found[stage, "", "minutes"] = (time.monotonic() - begun) / 60
            for name, ranges in (("training", TRAINING), ("unseen", UNSEEN)):
                if stage == "coarse":
                    figures = {f"dice_{k}": v for k, v in coarse_held_out(net, ranges=ranges).dice.items()}
                else:
                    fine = fine_held_out(net, ranges=ranges)
                    figures = {k: getattr(fine, k) for k in FINE}
                found |= {(stage, name, k): float(v) for k, v in figures.items()}
    return found


def main() -> None:
    """Train with and without, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        plain, gated = (judged(options.steps, seed, attention=on) for on in (False, True))
        rows += [
            {"seed": seed, "stage": s, "ranges": r, "measure": m, "plain": round(plain[s, r, m], 4),
             "attention": round(gated[s, r, m], 4), "difference": round(gated[s, r, m] - plain[s, r, m], 4)}
            for s, r, m in plain
        ]  # fmt: skip
    with (HERE / "spine_ct_attention.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    command = f"python validation/spine_ct_attention.py --steps {options.steps} --seeds " + " ".join(
        map(str, options.seeds)
    )
    text = [
        "# Attention gates: an ablation on SIMULATED spines", "",
        f"Made by `{command}`, code {code_version()}. Both arms see the same samples for {options.steps} steps a stage; the shipped networks were trained ten times as long, without gates. Minutes are those of a machine that did other work as well.", "",
        "| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0]),
        *("| " + " | ".join(str(v) for v in row.values()) + " |" for row in rows), "",
    ]  # fmt: skip
    (HERE / "spine_ct_attention.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
