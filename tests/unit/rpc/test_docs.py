"""The reference pages say what the code does."""

import re
from pathlib import Path

import pytest
from enclave import Refusal, World
from kms_enclave.errors import ERROR_CODES
from kms_enclave.rpc.docs import PAGES
from kms_enclave.rpc.methods import METHODS
from kms_enclave.rpc.prose import ADVICE

_ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_what_its_generator_writes(page: str) -> None:
    assert (_ROOT / "docs" / f"{page}.md").read_text("utf-8") == PAGES[page]()


def test_every_code_has_advice() -> None:
    assert ADVICE.keys() == ERROR_CODES.keys()


async def test_the_page_says_which_methods_can_be_steps_of_a_batch(world: World) -> None:
    worker = await world.ready()
    steps = set[str]()
    for method in METHODS:
        with pytest.raises(Refusal) as caught:
            await worker.call("batch", requests=[{"method": method, "params": {"no": "field"}}])
        if caught.value.details["field"] != "requests[0].method":
            steps.add(method)
    rows = re.findall(
        r"^\| \[`(\w+)`\].*\| (yes|no) \| (?:yes|no) \|$", PAGES["methods"](), re.MULTILINE
    )
    assert {method for method, _ in rows} == METHODS.keys()
    assert {method for method, is_step in rows if is_step == "yes"} == steps
