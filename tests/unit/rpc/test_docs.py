"""The reference pages say what the code does."""

from pathlib import Path

import pytest
from kms_enclave.errors import ERROR_CODES
from kms_enclave.rpc.contract import METHODS
from kms_enclave.rpc.docs import PAGES
from kms_enclave.rpc.prose import ADVICE, NOT_YET, PURPOSE

_ROOT = Path(__file__).parents[3]
_DECLARATIONS = {"errors.py", "contract.gen.ts", "prose.py"}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_its_generator_writes(page: str) -> None:
    assert (_ROOT / "docs" / f"{page}.md").read_text("utf-8") == PAGES[page]()


def test_every_code_has_advice_or_is_reserved() -> None:
    assert ADVICE.keys() | NOT_YET == ERROR_CODES.keys()
    assert not ADVICE.keys() & NOT_YET


def test_every_method_has_a_purpose() -> None:
    assert PURPOSE.keys() == METHODS.keys()


def test_nothing_raises_a_reserved_code() -> None:
    sources = [
        path.read_text("utf-8")
        for folder in ("py", "web", "worker")
        for path in (_ROOT / folder).rglob("*")
        if path.suffix in (".py", ".ts") and path.name not in _DECLARATIONS
    ]
    raised = {code for code in NOT_YET for source in sources if f'"{code}"' in source}
    assert not raised
