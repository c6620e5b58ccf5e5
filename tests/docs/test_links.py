"""What the documents point at is there: files, headings, and source that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *(
        ROOT / folder / name
        for folder, name in (("results", "README.md"), ("benchmarks", "NOTES.md"))
    ),
]


def headings(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = document.parent / name if name else document
            assert target.exists(), link
            assert not anchor or anchor in headings(target), link


def test_source_that_the_documents_name_exists() -> None:
    """A changelog tells of what was, so it may name what is gone."""
    named = r"`((?:runner|tests|benchmarks|docs|experiments|requirements)/[\w./-]+\.\w+)`"
    for document in DOCUMENTS:
        if document.name != "CHANGELOG.md":
            for path in re.findall(named, document.read_text()):
                assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_files_of_python_that_the_documents_name_exist() -> None:
    there = {
        path.name
        for folder in ("runner", "tests", "docs")
        for path in (ROOT / folder).rglob("*.py")
    }
    there |= {path.name for path in ROOT.glob("benchmarks/*.py")}
    of_a_user = {"product.py"}
    for document in DOCUMENTS:
        if document.name != "CHANGELOG.md":
            named = set(re.findall(r"`(\w+\.py)`", document.read_text()))
            assert not named - there - of_a_user, document.name
