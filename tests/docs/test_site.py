"""The site is built without a warning, without the network, and from the code as it is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import runner

ROOT = Path(__file__).parents[2]
NOWHERE = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https", "all")}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make docs` does."""
    (words,) = re.findall(r"^DOCS = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, *shlex.split(words), ".", folder / "html", "-d", folder / "doctrees"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | NOWHERE, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


class Page(HTMLParser):
    """What a page loads, where it links, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors.add(values.get("id", ""))
        if tag == "a":
            self.links.append(values.get("href", ""))
        elif tag != "link" or values.get("rel") == "stylesheet":
            self.loads += [values[name] for name in ("src", "href") if name in values]


def test_every_link_within_the_site_leads_somewhere(site) -> None:
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    assert len(pages) >= 25
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name}: {link}"
            if target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path.name}: {link}"


def test_nothing_is_loaded_from_the_network(site) -> None:
    for path in site.rglob("*.html"):
        assert not [load for load in Page(path).loads if urlsplit(load).netloc], path.name


def test_what_the_code_declares_is_in_the_site(site) -> None:
    api = Page(site / "docs" / "api.html")
    for name in runner.__all__:
        assert f"runner.{name}" in api.anchors
    assert "certificates" in Page(site / "docs" / "command-line.html").anchors
    assert "study-verdicts" in Page(site / "docs" / "columns.html").anchors


def test_every_page_is_in_the_menu(site) -> None:
    index = Page(site / "docs" / "index.html")
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert page in index.links or page == "index.html"
