"""The contract as TypeScript: ``python -m kms_enclave.rpc.typescript`` prints it.

The output is ``web/protocol/contract.gen.ts``; a test fails when the two differ.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator, Mapping

import attrs

from kms_enclave.errors import ERROR_CODES
from kms_enclave.rpc.methods import METHODS
from kms_enclave.structure import camel_case

__all__ = ["contract_classes", "format_type", "format_typescript"]

_PRIMITIVES: typing.Final[Mapping[object, str]] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    object: "unknown",
    type(None): "null",
}


def format_typescript() -> str:
    """Return the text of ``contract.gen.ts``."""
    classes = contract_classes()
    lines = [
        "// Generated from py/kms_enclave/rpc/methods.py by `make contract`; do not edit.",
        "",
        *_error_lines(),
        "",
        *_method_lines(),
        "",
    ]
    for name in sorted(classes):
        lines += [*_interface_lines(classes[name]), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def contract_classes() -> Mapping[str, type]:
    """Return every class that the contract reaches, by name."""
    classes: dict[str, type] = {}
    for method in METHODS.values():
        _collect(method.params, classes)
        _collect(method.result, classes)
    return classes


def _error_lines() -> Iterator[str]:
    yield "export const ERROR_CODES = {"
    for code, message in ERROR_CODES.items():
        yield f"  {_quote(code)}: {_quote(message)},"
    yield "} as const;"
    yield ""
    yield "export type ErrorCode = keyof typeof ERROR_CODES;"


def _method_lines() -> Iterator[str]:
    yield "export const METHODS = ["
    yield from (f"  {_quote(name)}," for name in METHODS)
    yield "] as const;"
    yield ""
    yield "export type MethodName = (typeof METHODS)[number];"
    yield ""
    yield "/** How long the SDK waits for a reply, in milliseconds. The frame waits a bit less. */"
    yield "export const METHOD_TIMES_MS: Readonly<Record<MethodName, number>> = {"
    yield from (f"  {name}: {method.deadline_ms:_}," for name, method in METHODS.items())
    yield "};"
    yield ""
    yield "export interface Methods {"
    for name, method in METHODS.items():
        yield f"  {name}: {{ params: {method.params.__name__}; result: {method.result.__name__} }};"
    yield "}"


def _interface_lines(cls: type) -> Iterator[str]:
    if cls.__doc__:
        yield f"/** {' '.join(cls.__doc__.split())} */"
    fields = attrs.fields(attrs.resolve_types(cls))
    if not fields:
        yield f"export type {cls.__name__} = Record<string, never>;"
        return
    yield f"export interface {cls.__name__} {{"
    for field in fields:
        optional = "?" if field.default is not attrs.NOTHING else ""
        yield f"  {camel_case(field.name)}{optional}: {format_type(field.type)};"
    yield "}"


def format_type(annotation: object) -> str:
    """Return the TypeScript of a field's type; classes of the contract by their names."""
    if annotation in _PRIMITIVES:
        return _PRIMITIVES[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(_literal(arg) for arg in args)
    if origin in (types.UnionType, typing.Union):
        return " | ".join(format_type(arg) for arg in args)
    if origin is tuple:
        item = format_type(args[0])
        # Both bind less than the brackets.
        is_compound = " | " in item or item.startswith("readonly ")
        return f"readonly ({item})[]" if is_compound else f"readonly {item}[]"
    if origin is not None and issubclass(origin, Mapping):
        return f"Readonly<Record<string, {format_type(args[1])}>>"
    if isinstance(annotation, type) and attrs.has(annotation):
        return annotation.__name__
    raise TypeError(f"no TypeScript for {annotation!r}")


def _collect(annotation: object, classes: dict[str, type]) -> None:
    if isinstance(annotation, type) and attrs.has(annotation):
        classes[annotation.__name__] = annotation
        for field in attrs.fields(attrs.resolve_types(annotation)):
            _collect(field.type, classes)
    for arg in typing.get_args(annotation):
        _collect(arg, classes)


def _literal(value: object) -> str:
    return _quote(value) if isinstance(value, str) else str(value).lower()


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    sys.stdout.write(format_typescript())
