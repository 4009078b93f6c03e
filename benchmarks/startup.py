"""How soon `osteon --help` answers, beside a bare Python and a Python that imports pandas and scikit-learn."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from statistics import median

GOAL_CPU_S, REPEATS = 0.5, 7
WORK = {
    "osteon --help": ["-c", "from osteon.cli.main import main; main()", "--help"],
    "python -c pass": ["-c", "pass"],
    'python -c "import pandas, sklearn"': ["-c", "import pandas, sklearn"],
}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """CPU (user and system) and wall seconds of one Python process, start to end."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    """Print the median CPU and wall seconds of each, the runs taking turns so that load falls on all alike."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in WORK}
    for arguments in WORK.values():
        seconds(arguments)  # the first start compiles and fills the disk cache
    for _ in range(REPEATS):
        for name, arguments in WORK.items():
            runs[name].append(seconds(arguments))
    cpu, wall = ({name: median(run[i] for run in found) for name, found in runs.items()} for i in (0, 1))
    ours = cpu["osteon --help"]
    print(f"Start, median of {REPEATS} runs")
    print(f"{'work':<40}{'CPU s':>8}{'wall s':>8}{'goal':>8}{'ratio':>8}")
    for name in WORK:
        goal = f"< {GOAL_CPU_S}" if name == "osteon --help" else ""
        print(f"{name:<40}{cpu[name]:>8.3f}{wall[name]:>8.3f}{goal:>8}{cpu[name] / ours:>8.1f}")
    print(f"goal {'met' if ours < GOAL_CPU_S else 'MISSED'}")


if __name__ == "__main__":
    main()
