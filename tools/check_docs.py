"""Check the docs: every relative link leads somewhere, every page has its twin language, every command is described."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def broken_links() -> list[str]:
    """Relative links that lead nowhere."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "validation").rglob("*.md")]
    return [
        f"{page.relative_to(ROOT)}: {target} does not exist"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]


def missing_twins() -> list[str]:
    """Pages that exist in one language only."""
    english = {p.relative_to(ROOT / "docs" / "en") for p in (ROOT / "docs" / "en").rglob("*.md")}
    chinese = {p.relative_to(ROOT / "docs" / "zh") for p in (ROOT / "docs" / "zh").rglob("*.md")}
    return [f"docs: {page} stands in one language only" for page in sorted(english ^ chinese)]


def undescribed_commands() -> list[str]:
    """Commands and options of the command line that the reference pages leave out."""
    from typer.main import get_command

    from osteon.cli.main import app

    def walk(command: object, words: tuple[str, ...]) -> list[tuple[str, list[str]]]:
        inner = getattr(command, "commands", {})
        found = [item for name, sub in inner.items() for item in walk(sub, (*words, name))]
        if not inner:
            options = [o for p in getattr(command, "params", []) for o in p.opts if o.startswith("--")]
            found.append((" ".join(words), options))
        return found

    problems = []
    for lang in ("en", "zh"):
        page = (ROOT / "docs" / lang / "reference" / "cli.md").read_text(encoding="utf-8")
        for name, options in walk(get_command(app), ("osteon",)):
            problems += (
                [f"docs/{lang}/reference/cli.md: `{name}` is not described"] if name not in page else []
            )
            problems += [
                f"docs/{lang}/reference/cli.md: {name} {o} is not described" for o in options if o not in page
            ]
    return problems


def main() -> None:
    """Print every problem; exit 1 when there is one."""
    problems = broken_links() + missing_twins() + undescribed_commands()
    for problem in problems:
        print(problem)
    print(f"docs: {len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
