"""The report as a reader opens it: offline, on a telephone or a desk, by keyboard, on paper."""

from itertools import pairwise

import pypdfium2
import pytest

pytestmark = [pytest.mark.chromium]
REPORTS = [
    pytest.param(("published", "en")),
    pytest.param(("published", "zh")),
    pytest.param(("virtual", "en"), marks=pytest.mark.slow),
    pytest.param(("virtual", "zh"), marks=pytest.mark.slow),
]


@pytest.fixture(params=REPORTS, ids=" ".join)
def report(request, studied):
    data, lang = request.param
    return studied(data, lang=lang).out / "report.html"


@pytest.fixture
def opened(chromium, report):
    """Open the report at a width; everything it asks of the network is refused and remembered."""
    contexts, complaints = [], []

    def opening(width=1280):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, offline=True, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url),
        )
        page.goto(report.as_uri())
        return page

    yield opening
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_overflows_and_every_picture_is_there(opened, width):
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.images].every(i => i.complete && i.naturalWidth > 0 && i.alt.length > 8)"
    )
    # text that is cut off sideways and cannot be scrolled to
    cut = page.evaluate("""() => [...document.querySelectorAll('main p, main li, figcaption, caption, h1, h2, h3')]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'auto'
            && getComputedStyle(e).display !== 'inline').map(e => e.textContent.slice(0, 60))""")
    assert cut == []


def test_the_contents_lead_to_their_sections(opened):
    page = opened()
    links = page.locator("nav a[href^='#']")
    assert links.count() >= 2
    for number in range(links.count()):
        target = links.nth(number).get_attribute("href")
        links.nth(number).click()
        assert page.evaluate("location.hash") == target
        top = page.evaluate("id => document.getElementById(id).getBoundingClientRect().top", target[1:])
        assert -5 <= top < 900, target


def test_by_keyboard_the_first_stop_skips_to_the_text(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_headings_descend_without_gaps_and_tables_have_heads(opened):
    page = opened()
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.evaluate(
        "[...document.querySelectorAll('table')].every(t => (t.caption || t.closest('[aria-label]')) && t.querySelector('th'))"
    )


def test_text_stands_out_from_its_ground(opened):
    """Contrast of 4.5 : 1 at least (WCAG AA), for every text of the page against the nearest painted ground."""
    page = opened()
    weak = page.evaluate("""() => {
        const light = c => { const v = c.map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
            return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
        const rgb = s => s.match(/[\\d.]+/g).map(Number);
        const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > .99) return c.slice(0, 3); } return [255, 255, 255]; };
        return [...document.querySelectorAll('main *, header *, nav *, footer *')]
            .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
            .map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
                return [(a + .05) / (b + .05), e.textContent.trim().slice(0, 40)]; })
            .filter(([ratio]) => ratio < 4.5);
    }""")
    assert weak == []


def test_it_prints(opened, tmp_path):
    page = opened()
    page.pdf(path=str(tmp_path / "printed.pdf"), format="A4")
    with pypdfium2.PdfDocument(tmp_path / "printed.pdf") as document:
        assert len(document) >= 2
        first = document[0].get_textpage()
        assert "osteon" in first.get_text_range().lower() or len(first.get_text_range()) > 300
        first.close()
