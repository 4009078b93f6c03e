"""
Make the pictures of the docs: pages of the report on SIMULATED people, in both languages, seen in Chromium.

    python tools/make_pictures.py    (a minute or two; needs the dev extra and a Chromium on the PATH)
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from osteon.report.save import save
from osteon.studies.fracture_risk import configured, run
from osteon.studies.fracture_risk_page import document

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SEED = 20260101
# Below the band that says SIMULATED, which stays at the top of the window.
SCROLL = """id => { const top = document.getElementById(id).getBoundingClientRect().top + window.scrollY;
                    window.scrollTo({ top: top - 60, behavior: "instant" }); }"""
PAGES = {"report": None, "discrimination": "task-osteoporosis", "explanation": "explanation-osteoporosis"}


def main() -> None:
    """Run the study once and photograph its report."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    pages = document(run("virtual", config=configured("quick"), seed=SEED, command="osteon demo"))
    flags = ["--no-sandbox", "--disable-gpu"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for lang in ("en", "zh"):
            save(pages, Path(folder) / lang, lang=lang)
            view = browser.new_page(viewport={"width": 1180, "height": 940})
            view.goto((Path(folder) / lang / "report.html").as_uri())
            for name, anchor in PAGES.items():
                if anchor:
                    view.evaluate(SCROLL, anchor)
                view.wait_for_timeout(300)
                target = PICTURES / f"{name}-{lang}.png"
                view.screenshot(path=target)
                print(target.name, target.stat().st_size)
        browser.close()


if __name__ == "__main__":
    main()
