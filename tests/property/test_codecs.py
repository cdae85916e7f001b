"""Everything that is written can be read again, and is then what it was."""

from __future__ import annotations

import collections.abc
import json
import types
import typing
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kms_enclave.codec import format_record, parse_record
from kms_enclave.keys.vapid import VapidKeyRecord
from kms_enclave.leases.lease import LeaseRecord
from kms_enclave.leases.quota import WindowRecord
from kms_enclave.log.head import Head, format_head, parse_head
from kms_enclave.log.instance import BuildInfo, InstanceRecord
from kms_enclave.origin import Origin, parse_origin
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import structure, unstructure
from kms_enclave.tlog.tree import EMPTY_FRONTIER, append
from kms_enclave.unlock.record import EnrollmentRecord

_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
_INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
_JSON = st.recursive(
    st.none() | st.booleans() | _INTEGERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: _TEXT,
    int: _INTEGERS,
    float: st.floats(allow_nan=False, allow_infinity=False) | _INTEGERS,
    bool: st.booleans(),
    object: _JSON,
    type(None): st.none(),
}


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    """Return values of an annotation, as the classes of records and requests use them."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(_values(argument) for argument in arguments))
    if origin is tuple:
        return st.lists(_values(arguments[0]), max_size=3).map(tuple)
    if origin is collections.abc.Mapping:
        return st.dictionaries(_TEXT, _values(arguments[1]), max_size=3)
    fields = attrs.fields(attrs.resolve_types(annotation))
    return st.builds(
        annotation, **{field.alias: _values(field.type) for field in fields if field.init}
    )


_RECORDS = [
    BuildInfo,
    EnrollmentRecord,
    InstanceRecord,
    LeaseRecord,
    VapidKeyRecord,
    WindowRecord,
]


@pytest.mark.parametrize("cls", _RECORDS, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_a_record_comes_back(cls: type, data: st.DataObject) -> None:
    record = data.draw(_values(cls))
    assert parse_record(format_record(record), cls) == record


_WIRE = list(
    {cls.__name__: cls for method in METHODS.values() for cls in (method.params, method.result)}
    .values()
)  # fmt: skip


@pytest.mark.parametrize("cls", _WIRE, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_a_request_or_result_comes_back_over_the_wire(cls: type, data: st.DataObject) -> None:
    value = data.draw(_values(cls))
    assert structure(json.loads(json.dumps(unstructure(value))), cls) == value


@given(
    leaves=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=300),
    chain_hash=st.binary(min_size=32, max_size=32).map(bytes.hex),
    timestamp_ms=st.integers(0, 2**53 - 1),
    revision=st.integers(1, 2**53 - 1),
)
def test_a_head_comes_back(
    leaves: list[bytes], chain_hash: str, timestamp_ms: int, revision: int
) -> None:
    head = Head(append(EMPTY_FRONTIER, leaves)[0], chain_hash, timestamp_ms, revision)
    assert parse_head(format_head(head)) == head


@given(
    scheme=st.sampled_from(["http", "https"]),
    host=st.from_regex(r"[a-z]([a-z0-9-]{0,6}[a-z0-9])?(\.[a-z]{1,5}){0,3}", fullmatch=True),
    port=st.none() | st.integers(1, 65535).filter(lambda port: port not in (80, 443)),
    path=st.sampled_from(["", "/", "/x?y=z"]),
)
def test_an_origin_comes_back(scheme: str, host: str, port: int | None, path: str) -> None:
    origin = Origin(scheme, host, port)
    assert parse_origin(f"{origin}{path}") == origin
