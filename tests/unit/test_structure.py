"""Strict structuring: one fault a test, named by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs
import pytest
from kms_enclave.structure import FieldError, camel_case, structure, unstructure


def _short(_: object, attribute: attrs.Attribute, value: str) -> None:
    if len(value) > 3:
        raise FieldError(camel_case(attribute.name), "longer than 3")


@attrs.frozen
class Leaf:
    name: str = attrs.field(validator=_short)
    kind: Literal["a", "b"] = "a"


@attrs.frozen
class Tree:
    whole_number: int
    some_number: float
    is_true: bool
    leaves: tuple[Leaf, ...] = ()
    free: Mapping[str, object] | None = None
    maybe: Leaf | None = None
    from_: int = 0
    named: Literal["small", "large"] | Leaf | None = None


_GOOD = {"wholeNumber": 1, "someNumber": 1.5, "isTrue": True}


def test_every_field_arrives_under_its_wire_name() -> None:
    value = {**_GOOD, "leaves": [{"name": "x", "kind": "b"}], "free": {"k": [1]}, "from": 3}
    tree = structure(value, Tree)
    assert tree == Tree(1, 1.5, True, (Leaf("x", "b"),), {"k": [1]}, None, 3)


def test_an_integer_is_a_number_too() -> None:
    assert structure({**_GOOD, "someNumber": 12}, Tree).some_number == 12


def test_a_name_may_stand_for_an_object() -> None:
    assert structure({**_GOOD, "named": "small"}, Tree).named == "small"
    assert structure({**_GOOD, "named": {"name": "x"}}, Tree).named == Leaf("x")


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"wholeNumber": "1"}, "wholeNumber", "must be an integer"),
        ({"wholeNumber": 1.0}, "wholeNumber", "must be an integer"),
        ({"wholeNumber": True}, "wholeNumber", "must be an integer"),
        ({"wholeNumber": None}, "wholeNumber", "must be an integer"),
        ({"wholeNumber": 2**53}, "wholeNumber", "must be an integer"),
        ({"someNumber": "1"}, "someNumber", "must be a finite number"),
        ({"someNumber": False}, "someNumber", "must be a finite number"),
        ({"someNumber": float("inf")}, "someNumber", "must be a finite number"),
        ({"someNumber": 10**400}, "someNumber", "must be a finite number"),
        ({"isTrue": 1}, "isTrue", "must be true or false"),
        ({"isTrue": "true"}, "isTrue", "must be true or false"),
        ({"leaves": {}}, "leaves", "must be a list"),
        ({"leaves": "ab"}, "leaves", "must be a list"),
        ({"leaves": [1]}, "leaves[0]", "must be an object"),
        ({"leaves": [{"name": "x"}, {"name": 5}]}, "leaves[1].name", "must be a string"),
        ({"leaves": [{"name": "long"}]}, "leaves[0].name", "longer than 3"),
        ({"leaves": [{"name": "x", "kind": "c"}]}, "leaves[0].kind", "wrong type"),
        ({"leaves": [{"name": "x", "kind": []}]}, "leaves[0].kind", "wrong type"),
        ({"leaves": [{}]}, "leaves[0].name", "missing"),
        ({"leaves": [{"name": "x", "y": 1}]}, "leaves[0].y", "unknown field"),
        ({"maybe": {"name": 1}}, "maybe.name", "must be a string"),
        ({"maybe": []}, "maybe", "must be an object"),
        ({"free": []}, "free", "must be an object"),
        ({"named": "medium"}, "named", "must be an object or one of small, large"),
        ({"named": ["small"]}, "named", "must be an object or one of small, large"),
        ({"named": {"name": 1}}, "named.name", "must be a string"),
        ({"from": "0"}, "from", "must be an integer"),
        ({"from_": 0}, "from_", "unknown field"),
        ({"whole_number": 1}, "whole_number", "unknown field"),
        ({"__proto__": {}}, "__proto__", "unknown field"),
    ],
)
def test_a_fault_is_named_by_its_path(change: dict[str, object], field: str, reason: str) -> None:
    with pytest.raises(FieldError) as caught:
        structure({**_GOOD, **change}, Tree)
    assert (caught.value.field, caught.value.reason) == (field, reason)


@pytest.mark.parametrize("name", _GOOD)
def test_a_missing_field_is_named(name: str) -> None:
    value = {key: _GOOD[key] for key in _GOOD if key != name}
    with pytest.raises(FieldError) as caught:
        structure(value, Tree)
    assert (caught.value.field, caught.value.reason) == (name, "missing")


@pytest.mark.parametrize("value", [None, [], "", 5, True])
def test_only_an_object_structures_as_a_class(value: object) -> None:
    with pytest.raises(FieldError) as caught:
        structure(value, Tree)
    assert caught.value.reason == "must be an object"


def test_an_unknown_name_is_shown_only_in_part() -> None:
    with pytest.raises(FieldError) as caught:
        structure({**_GOOD, "x" * 1_000_000: 1}, Tree)
    assert caught.value.field == "x" * 64


def test_fields_without_a_value_are_left_out_only_where_that_is_their_default() -> None:
    @attrs.frozen
    class Result:
        always: int | None
        sometimes: int | None = None

    assert unstructure(Result(None)) == {"always": None}


def test_what_was_unstructured_structures_again() -> None:
    tree = Tree(1, 2.5, False, (Leaf("x"),), {"k": None}, Leaf("y", "b"), 7)
    assert structure(unstructure(tree), Tree) == tree


def test_camel_case_drops_the_underscore_that_python_needs() -> None:
    assert camel_case("from_") == "from"
    assert camel_case("vapid_public_key") == "vapidPublicKey"
