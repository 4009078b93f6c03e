import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from osteon.report.html import html
from osteon.report.speech import speak

RARE = "王䶮 㛃 \U00020164 😀"


class Reader(HTMLParser):
    """Collects what a browser would fetch, the anchors, the links to them, the tables' parts."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.links, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("src", "srcset", "data", "poster", "action"):
            if name in found:
                self.fetched.append(found[name])
        if tag == "link":
            self.fetched.append(found["href"])
        elif tag == "a":
            self.links.append(found["href"])


@pytest.fixture(scope="module", params=["en", "zh"])
def page(request, sample_document):
    return html(speak(sample_document(simulated=True), request.param))


def test_nothing_is_fetched(page):
    reader = Reader(page)
    assert reader.fetched
    assert all(address.startswith("data:") for address in reader.fetched)
    style = re.search(r"<style>(.*?)</style>", page, re.S)[1]
    assert all(address.startswith("data:font/woff;base64,") for address in re.findall(r"url\((.*?)\)", style))
    assert "@import" not in style
    assert not [tag for tag, _ in reader.tags if tag in ("script", "iframe", "object", "embed")]


def test_every_link_leads_somewhere_and_every_id_is_unique(page):
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    inner = [link[1:] for link in reader.links if link.startswith("#")]
    assert {"methods", "table-baseline", "main"} <= set(inner)
    assert set(inner) <= set(reader.ids)


def test_tables_and_figures_can_be_read_aloud(page):
    tags = Reader(page).tags
    assert all("alt" in found and found["alt"] for tag, found in tags if tag == "img")
    assert all("scope" in found for tag, found in tags if tag == "th")
    assert page.count("<caption>") == page.count("<table")


def test_text_is_escaped(page):
    assert "fracture &lt;risk&gt;" in page
    assert "<risk>" not in page
    assert "\\ @ &lt;b&gt;." in page


def test_language_disclaimer_and_mark_are_there(page):
    lang = re.search(r'<html lang="([^"]+)"', page)[1]
    assert lang in ("en", "zh-CN")
    disclaimer, mark = ("not a medical device", "SIMULATED") if lang == "en" else ("不是医疗器械", "模拟数据")
    assert disclaimer in page
    assert all(mark in caption for caption in re.findall(r"<caption>(.*?)</caption>", page))
    assert all(mark in caption for caption in re.findall(r"<figcaption><strong>(.*?)</strong>", page))
    assert all(mark in heading for heading in re.findall(r"<h2.*?</h2>", page))


def test_real_data_carry_no_mark(sample_document):
    assert "SIMULATED" not in html(speak(sample_document(), "en"))


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_in_a_browser_nothing_overflows_and_nothing_complains(
    chromium, sample_document, tmp_path, lang, width
):
    path = tmp_path / "report.html"
    path.write_text(
        html(speak(sample_document(simulated=True, title=f"Study {RARE}"), lang)), encoding="utf-8"
    )
    complaints, requests = [], []
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_on_paper_texts_are_no_smaller_than_tables_and_short_tables_stay_whole(
    chromium, sample_document, tmp_path, lang
):
    path = tmp_path / "report.html"
    path.write_text(html(speak(replace(sample_document(), sheet=True), lang)), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 794, "height": 900})
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    sizes = {
        tag: page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('main {tag}')).fontSize)")
        for tag in ("td", "ul li", "p:not([class])")
    }
    assert sizes["td"] <= min(sizes["ul li"], sizes["p:not([class])"])
    assert page.evaluate("getComputedStyle(document.querySelector('.table')).breakInside") == "avoid"
    page.close()


def test_a_sheet_shrinks_its_figures_to_a_narrow_screen(chromium, sample_document, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(html(speak(replace(sample_document(), sheet=True), "en")), encoding="utf-8")
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    page.goto(path.as_uri())
    assert (
        page.evaluate("Math.max(...[...document.images].map(image => image.getBoundingClientRect().right))")
        <= 390
    )
    page.close()
