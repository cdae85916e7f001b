"""What the memory image holds ready."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import kms_enclave.app
import pytest
from kms_enclave import structure
from kms_enclave.log.instance import BuildInfo
from kms_enclave.prepare import prepare
from kms_enclave.rpc.methods import METHODS

_PACKAGE = Path(kms_enclave.app.__file__).parent
_READS = re.compile(r"(?:parse_record|structure)\([^()]*(?:\([^()]*\))?[^()]*, (\w+)\)")


@pytest.fixture
def prepared(monkeypatch):
    """Everything is prepared, and nothing more can be generated."""
    structure._converter.cache_clear()
    prepare()
    monkeypatch.setattr(structure, "make_dict_structure_fn", None)
    monkeypatch.setattr(structure, "make_dict_unstructure_fn", None)
    yield
    structure._converter.cache_clear()


def test_nothing_is_generated_for_a_stored_record(prepared):
    fields = {"version": "1", "codeHash": "c", "manifestHash": "m"}
    assert structure.unstructure(structure.structure(fields, BuildInfo)) == fields


@pytest.mark.parametrize("name", METHODS)
def test_nothing_is_generated_for_a_request_or_a_result(prepared, name):
    structure._converter().get_structure_hook(METHODS[name].params)
    structure._converter().get_unstructure_hook(METHODS[name].params)
    structure._converter().get_unstructure_hook(METHODS[name].result)


def test_every_class_that_is_read_from_storage_is_marked():
    read = {
        (path.relative_to(_PACKAGE.parent), name)
        for path in _PACKAGE.rglob("*.py")
        for name in _READS.findall(path.read_text("utf-8"))
        if name[0].isupper() or name[0] == "_"
    }
    classes = {
        getattr(importlib.import_module(".".join(path.with_suffix("").parts)), name)
        for path, name in read
    }
    assert len(classes) > 10
    assert classes <= set(structure.classes_from_json())
