"""``python -m osteon``: the command line without its script."""

from __future__ import annotations

from osteon.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
