"""The page that links several reports: self-contained, every report and its PDF linked, invented data marked."""

import re

import pytest

from osteon.report.index_page import IndexEntry, index_page
from osteon.report.value import Words
from osteon.report.words import words


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_links_every_report_and_loads_nothing(lang):
    entries = (
        IndexEntry(
            title=Words("index.ct-simulated"), folder="ct-simulated", lines=("2 < 3",), simulated=True
        ),
        IndexEntry(title=Words("index.ct-lumbar"), folder="ct-lumbar"),
    )
    page = index_page(entries, lang)
    links = re.findall(r'href="([^"#]+)"', page)
    assert [link for link in links if not link.startswith("data:")] == [
        "ct-simulated/report.html", "ct-simulated/report.pdf", "ct-lumbar/report.html", "ct-lumbar/report.pdf",
    ]  # fmt: skip
    assert "2 &lt; 3" in page
    assert page.count(words(lang)("report.simulated_mark")) == 1
    assert not re.search(r'(src|href)="https?:|@import|<script', page)
