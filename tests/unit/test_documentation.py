"""Links between the project's own documents lead somewhere; what they list is what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = sorted([*_ROOT.glob("*.md"), *(_ROOT / "docs").rglob("*.md")])
_CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]*)\)")
_PROTOCOL = (_ROOT / "docs" / "spec" / "protocol.md").read_text("utf-8")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _prose(document: Path) -> str:
    return _CODE.sub("", document.read_text("utf-8"))


def _anchors(document: Path) -> Iterator[str]:
    """The anchors of headings, as forges make them."""
    for heading in _HEADING.findall(_prose(document)):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: str(path.relative_to(_ROOT)))
def test_relative_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(_prose(document)):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def test_every_event_that_the_enclave_emits_is_documented() -> None:
    sources = [path.read_text("utf-8") for path in (_ROOT / "py").rglob("*.py")]
    emitted = {name for source in sources for name in re.findall(r'emit\(\s*"([a-z.]+)"', source)}
    (row,) = [line for line in _PROTOCOL.splitlines() if '{type: "kms:event"' in line]
    assert len(emitted) > 2
    assert emitted <= set(re.findall(r"`([a-z.]+)`", row))


def test_what_a_locked_enclave_still_answers_is_listed_whole() -> None:
    _, _, interface = (
        (_ROOT / "web" / "sdk" / "locked.ts")
        .read_text("utf-8")
        .partition("interface LockedHandle {\n")
    )
    handle = re.findall(r"^  (\w+)\(", interface.partition("\n}")[0], re.MULTILINE)
    _, _, rest = _PROTOCOL.partition("a `LockedError` whose `handle` has ")
    listed = re.findall(r"`(\w+)`", rest.partition(".")[0])
    assert sorted(listed) == sorted(handle)
