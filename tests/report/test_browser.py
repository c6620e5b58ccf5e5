"""The report in a real browser: no request, no complaint, every figure; tables that sort."""

from __future__ import annotations

import re

import numpy as np
import pytest
from support import browser
from support.crafted import EXPERIMENT, crafted

from runner.report.writer import write_report

pytestmark = pytest.mark.skipif(browser.chromium() is None, reason="chromium is not installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    rng = np.random.default_rng(8)
    experiment = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR", "NAND"]}}
    solved = {c: (rng.random(20) < 0.3 + 0.3 * c).tolist() for c in range(3)}
    steps = {c: [int(k) if ok else 100 for k, ok in zip(rng.integers(1, 99, 20), row, strict=True)]
             for c, row in solved.items()}  # fmt: skip
    path = tmp_path_factory.mktemp("browser") / "study"
    return write_report(crafted(path, steps, solved, experiment))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser.opened(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("width", [1280, 400])
def test_it_loads_whole_and_quietly(page, report, width: int) -> None:
    page.requests.clear()
    page.open(report, width)
    assert {url.partition(":")[0] for url in page.requests} <= {"file", "data"}
    assert [url for url in page.requests if url.startswith("file:")] == [report.as_uri()]
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    drawings = page.evaluate(
        "[...document.querySelectorAll('figure svg')].map(s => [s.clientWidth, s.clientHeight])"
    )
    assert page.evaluate("document.querySelectorAll('figure').length") == 6
    for shown, height in drawings:
        assert shown > 250
        assert height > 80
    text = page.evaluate("document.querySelector('#figure-success').textContent")
    assert "restarts, %" in text  # a reader's search finds what stands in a drawing
    sizes = page.evaluate(
        "[...document.querySelectorAll('figure text')].map(t => parseFloat(getComputedStyle(t)"
        ".fontSize) * t.ownerSVGElement.clientWidth / t.ownerSVGElement.viewBox.baseVal.width)"
    )
    assert min(sizes) >= 10
    assert max(sizes) < 15


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_texts_stand_out_from_the_page_in_both_schemes(page, report, scheme) -> None:
    page.call(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": scheme}],
    )
    page.open(report, 1280)
    pairs = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor,"
        " ...[...document.querySelectorAll('figure text')].map(t => getComputedStyle(t).fill)]"
    )
    background, *texts = [luminance(colour) for colour in pairs]
    assert texts
    assert (background < 0.1) == (scheme == "dark")
    for text in texts:
        low, high = sorted((background, text))
        assert (high + 0.05) / (low + 0.05) > 4.5  # WCAG 2, level AA
    page.call("Emulation.setEmulatedMedia", features=[])


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2 of a colour as a browser tells it."""
    parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def column(page, table: int, index: int) -> list[str]:
    script = f"[...document.querySelectorAll('table')[{table}].tBodies[0].rows]"
    return page.evaluate(f"{script}.map(r => r.cells[{index}].textContent)")


def test_tables_sort_by_mouse_and_by_keyboard(page, report) -> None:
    page.open(report, 1280)
    head = "document.querySelectorAll('table')[0].tHead.rows[0].cells[2]"
    before = column(page, 0, 2)
    page.evaluate(f"{head}.firstElementChild.click()")
    rising = column(page, 0, 2)
    assert rising == sorted(before, key=int)
    assert page.evaluate(f"{head}.getAttribute('aria-sort')") == "ascending"
    page.evaluate(f"{head}.firstElementChild.focus()")
    page.press("Enter")
    assert column(page, 0, 2) == rising[::-1]
    assert page.evaluate(f"{head}.getAttribute('aria-sort')") == "descending"
    page.evaluate(
        "document.querySelectorAll('table')[0].tHead.rows[0].cells[0].firstElementChild.focus()"
    )
    page.press("Enter")
    names = column(page, 0, 0)
    assert names == sorted(names)
    assert page.complaints == []


def test_a_script_that_is_not_the_reports_own_does_not_run(page, report, tmp_path) -> None:
    text = report.read_text().replace("<main>", "<main><script>document.title='run'</script>")
    other = tmp_path / "other.html"
    other.write_text(text)
    page.open(other, 1280)
    assert page.evaluate("document.title") == "crafted: report"
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.complaints.clear()
