"""From JSON values to frozen attrs classes and back, strictly.

Unknown fields, missing fields and wrong types are refused; nothing is coerced
(``"5"`` is no integer, ``true`` is no number). Python's ``snake_case`` is the
wire's ``camelCase``. Field rules are attrs validators that raise
:class:`FieldError`.
"""

from __future__ import annotations

import collections.abc
import functools
import math
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

__all__ = [
    "FieldError",
    "camel_case",
    "classes_from_json",
    "from_json",
    "prepare",
    "structure",
    "unstructure",
]

T = TypeVar("T")

_FROM_JSON: typing.Final[list[type]] = []
_MAX_INTEGER: typing.Final = 2**53 - 1
"""Beyond it JavaScript's numbers skip integers."""


class _MakeStructureHook(typing.Protocol):
    def __call__(
        self, cls: type, converter: cattrs.Converter, **options: object
    ) -> Callable[[object, object], object]: ...


class _MakeUnstructureHook(typing.Protocol):
    def __call__(
        self, cls: type, converter: cattrs.Converter, **options: object
    ) -> Callable[[object], object]: ...


class FieldError(ValueError):
    """A value that a field does not take; ``field`` is its path, ``reason`` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def camel_case(name: str) -> str:
    """Return the wire name of a Python field: ``from_`` is ``from``."""
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


def structure(value: object, cls: type[T]) -> T:
    """Return ``value`` (parsed JSON) as ``cls``. Raises FieldError for the first fault."""
    try:
        return _converter().structure(value, cls)
    except (cattrs.BaseValidationError, cattrs.errors.ForbiddenExtraKeysError) as error:
        raise _first_fault(error, "") from None


def unstructure(value: object) -> dict[str, object]:
    """Return an attrs instance as a JSON object; fields that are ``None`` are left out."""
    result: dict[str, object] = _converter().unstructure(value)
    return result


def from_json(cls: type[T]) -> type[T]:
    """Mark a class that is stored as JSON: the memory image holds its converters ready."""
    _FROM_JSON.append(cls)
    return cls


def classes_from_json() -> Sequence[type]:
    """Return the marked classes of the modules imported so far."""
    return tuple(_FROM_JSON)


def prepare(cls: type, *, reads: bool = True) -> None:
    """Make the functions that convert ``cls`` now, not when they are first needed.

    Without ``reads`` those alone that make JSON of it.
    """
    converter = _converter()
    if reads:
        converter.get_structure_hook(cls)
    converter.get_unstructure_hook(cls)


def _first_fault(error: BaseException, path: str) -> FieldError:
    if isinstance(error, FieldError):
        return FieldError(_join(path, error.field), error.reason)
    if isinstance(error, cattrs.errors.ForbiddenExtraKeysError):
        unknown = min(error.extra_fields)
        return FieldError(_join(path, unknown[:64]), "unknown field")
    if isinstance(error, cattrs.BaseValidationError):
        inner = error.exceptions[0]
        return _first_fault(inner, _join(path, _place(inner)))
    if isinstance(error, KeyError):
        return FieldError(_join(path, str(error.args[0])), "missing")
    return FieldError(path or "params", "wrong type")


def _place(error: BaseException) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, cattrs.AttributeValidationNote):
            return "" if isinstance(error, KeyError) else camel_case(str(note.name))
        if isinstance(note, cattrs.IterableValidationNote):
            return f"[{note.index}]"
    return ""


def _join(path: str, place: str) -> str:
    if not path or not place:
        return path or place
    return path + place if place.startswith("[") else f"{path}.{place}"


@functools.cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(str, _exact(str, "must be a string"))
    converter.register_structure_hook(bool, _exact(bool, "must be true or false"))
    converter.register_structure_hook(int, _structure_int)
    converter.register_structure_hook(float, _structure_number)
    converter.register_structure_hook_func(_is_free_object, _structure_object)
    converter.register_structure_hook_factory(_is_list, _list_hook)
    # The last registered is asked first.
    converter.register_structure_hook_factory(_is_tagged_union, _tagged_union_hook)
    converter.register_structure_hook_factory(_is_name_or_object, _name_or_object_hook)
    converter.register_structure_hook_factory(_is_optional, _optional_hook)
    converter.register_structure_hook_factory(attrs.has, _attrs_structure_hook)
    converter.register_unstructure_hook_factory(attrs.has, _attrs_unstructure_hook)
    return converter


def _exact(cls: type[T], reason: str) -> Callable[[object, object], T]:
    def hook(value: object, _: object) -> T:
        if type(value) is not cls:
            raise FieldError("", reason)
        return value

    return hook


def _structure_int(value: object, _: object) -> int:
    if type(value) is not int or abs(value) > _MAX_INTEGER:
        raise FieldError("", "must be an integer")
    return value


def _structure_number(value: object, _: object) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is int and abs(value) <= _MAX_INTEGER:
        return value
    raise FieldError("", "must be a finite number")


def _is_free_object(cls: object) -> bool:
    return typing.get_origin(cls) is collections.abc.Mapping


def _structure_object(value: object, _: object) -> Mapping[str, object]:
    if type(value) is not dict:
        raise FieldError("", "must be an object")
    return value


def _is_list(cls: object) -> bool:
    return typing.get_origin(cls) is tuple


def _list_hook(cls: object, converter: cattrs.Converter) -> Callable[[object, object], object]:
    list_of_items = typing.cast(
        type[list[object]], types.GenericAlias(list, typing.get_args(cls)[:1])
    )

    def hook(value: object, _: object) -> object:
        if type(value) is not list:
            raise FieldError("", "must be a list")
        return tuple(converter.structure(value, list_of_items))

    return hook


def _is_optional(cls: object) -> bool:
    return typing.get_origin(cls) in (types.UnionType, typing.Union) and type(
        None
    ) in typing.get_args(cls)


def _optional_hook(cls: object, converter: cattrs.Converter) -> Callable[[object, object], object]:
    inner = functools.reduce(
        operator.or_, (arg for arg in typing.get_args(cls) if arg is not type(None))
    )

    def hook(value: object, _: object) -> object:
        return None if value is None else converter.structure(value, inner)

    return hook


def _is_tagged_union(cls: object) -> bool:
    return typing.get_origin(cls) in (types.UnionType, typing.Union) and all(
        _has_tag(arg) for arg in typing.get_args(cls) if isinstance(arg, type)
    )


def _has_tag(cls: type) -> bool:
    if not attrs.has(cls):
        return False
    tag = attrs.fields_dict(attrs.resolve_types(cls)).get("method")
    return tag is not None and typing.get_origin(tag.type) is typing.Literal


def _tagged_union_hook(
    cls: object, converter: cattrs.Converter
) -> Callable[[object, object], object]:
    """Classes that are told apart by the literal of their field ``method``."""
    classes: dict[object, type] = {}
    for member in typing.get_args(cls):
        tag = attrs.fields_dict(attrs.resolve_types(member))["method"].type
        classes.update(dict.fromkeys(typing.get_args(tag), member))

    def hook(value: object, _: object) -> object:
        if type(value) is not dict:
            raise FieldError("", "must be an object")
        tag = value.get("method")
        if not isinstance(tag, str) or tag not in classes:
            raise FieldError("method", f"must be one of {', '.join(sorted(map(str, classes)))}")
        return converter.structure(value, classes[tag])

    return hook


def _is_name_or_object(cls: object) -> bool:
    args = typing.get_args(cls)
    return (
        typing.get_origin(cls) in (types.UnionType, typing.Union)
        and len(args) == 2
        and typing.get_origin(args[0]) is typing.Literal
        and attrs.has(args[1])
    )


def _name_or_object_hook(
    cls: object, converter: cattrs.Converter
) -> Callable[[object, object], object]:
    """A literal, which stands for an object of the other kind."""
    literal, object_cls = typing.get_args(cls)
    names = typing.get_args(literal)

    def hook(value: object, _: object) -> object:
        if type(value) is dict:
            return converter.structure(value, object_cls)
        if type(value) is not str or value not in names:
            raise FieldError("", f"must be an object or one of {', '.join(names)}")
        return value

    return hook


def _overrides(cls: type) -> dict[str, object]:
    return {
        field.name: override(rename=camel_case(field.name), omit_if_default=field.default is None)
        for field in attrs.fields(attrs.resolve_types(cls))
    }


def _attrs_structure_hook(
    cls: type, converter: cattrs.Converter
) -> Callable[[object, object], object]:
    # mypy reads ``**overrides`` as if it could reach the function's own options.
    make = typing.cast(_MakeStructureHook, make_dict_structure_fn)
    inner = make(cls, converter, _cattrs_forbid_extra_keys=True, **_overrides(cls))

    def hook(value: object, target: object) -> object:
        if type(value) is not dict:
            raise FieldError("", "must be an object")
        return inner(value, target)

    return hook


def _attrs_unstructure_hook(cls: type, converter: cattrs.Converter) -> Callable[[object], object]:
    make = typing.cast(_MakeUnstructureHook, make_dict_unstructure_fn)
    return make(cls, converter, **_overrides(cls))
