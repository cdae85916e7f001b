"""What the memory image holds ready."""

import kms_enclave.app  # noqa: F401  (the classes to prepare)
import pytest
from kms_enclave import structure
from kms_enclave.instance import BuildInfo
from kms_enclave.ports.crypto import WrappingKey
from kms_enclave.prepare import prepare
from kms_enclave.rpc.contract import METHODS


@pytest.fixture
def fresh_converter():
    structure._converter.cache_clear()
    yield
    structure._converter.cache_clear()


def test_nothing_is_generated_for_a_prepared_class(fresh_converter, monkeypatch):
    prepare()
    monkeypatch.setattr(structure, "make_dict_structure_fn", None)
    monkeypatch.setattr(structure, "make_dict_unstructure_fn", None)
    fields = {"version": "1", "codeHash": "c", "manifestHash": "m"}
    assert structure.unstructure(structure.structure(fields, BuildInfo)) == fields


def test_every_request_and_result_is_prepared(fresh_converter):
    prepared = prepare()
    declared = {cls for method in METHODS.values() for cls in (method.params, method.result)}
    assert declared <= set(prepared)


def test_a_class_of_key_handles_is_not_read_from_json(fresh_converter):
    assert WrappingKey not in prepare()
