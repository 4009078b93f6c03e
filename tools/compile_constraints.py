"""
Compile constraints/py311.txt: every pin that osteon and its later rooms need, on Python 3.11.

    python tools/compile_constraints.py            keep today's pins, add what is new
    python tools/compile_constraints.py --upgrade  move every pin to the newest that fits

CUDA parts are left out: the file says which torch, not which build of it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "constraints" / "py311.txt"
HEADER = """\
# Pins for Python 3.11. Install with: pip install -c constraints/py311.txt -e ".[all,dev]"
# torch==2.13.0 also accepts a CPU build of the same version. Made by tools/compile_constraints.py.
"""
CUDA = re.compile(r"^(cuda-|nvidia-|triton==)")


def main() -> None:
    """Run ``uv pip compile`` and keep its pins together with those that only later rooms name."""
    old = [] if "--upgrade" in sys.argv[1:] else TARGET.read_text().splitlines()
    kept = [line for line in old if "==" in line and not line.startswith("#")]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "old.txt").write_text("\n".join(kept))
        command = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28",
                   "--extra", "all", "--extra", "dev", "--no-annotate", "--no-header", "-c", f"{folder}/old.txt",
                   "-o", f"{folder}/new.txt", str(ROOT / "pyproject.toml"), str(ROOT / "constraints" / "wanted.in")]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        new = (Path(folder) / "new.txt").read_text().splitlines()
    pins = {line.split("==")[0]: line for line in (*kept, *new) if "==" in line and not CUDA.match(line)}
    TARGET.write_text(HEADER + "\n".join(pins[name] for name in sorted(pins)) + "\n")


if __name__ == "__main__":
    main()
