"""The page that the demonstration opens: every report of the demonstration is one click away, offline."""

import pytest

from osteon.report.index_page import IndexEntry, index_page
from osteon.report.value import Words

pytestmark = [pytest.mark.chromium]
ENTRIES = (
    IndexEntry(
        title=Words("index.study", data=Words("index.study_virtual")), folder="virtual", simulated=True
    ),
    IndexEntry(
        title=Words("index.ct-lumbar"), folder="ct-lumbar", lines=("No vertebral fracture at L1–L5.",)
    ),
)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_report_is_one_click_away(chromium, tmp_path, lang, width):
    for entry in ENTRIES:
        folder = tmp_path / entry.folder
        folder.mkdir()
        (folder / "report.html").write_text(f"<title>{entry.folder}</title>", encoding="utf-8")
    (tmp_path / "index.html").write_text(index_page(ENTRIES, lang), encoding="utf-8")
    complaints = []
    context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True)
    try:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        for nth, entry in enumerate(ENTRIES):
            page.goto((tmp_path / "index.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("h2").nth(nth).locator(".mark").count() == entry.simulated
            page.locator("h2 a").nth(nth).click()
            assert page.title() == entry.folder
    finally:
        context.close()
    assert [url for url in complaints if not url.startswith("data:")] == []
