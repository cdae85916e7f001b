"""Several authenticated steps under one authentication, in order, all or nothing.

``{"$ref": "0.kid"}`` anywhere in a step's parameters stands for a text of an earlier
step's result. Every step lands in the same commit; if one is refused nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Never, cast

import attrs

from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.access import plan_of
from kms_enclave.rpc.grants import Operation, Step, View
from kms_enclave.rpc.method import Wire
from kms_enclave.structure import FieldError, camel_case, structure
from kms_enclave.unlock.operation import UnlockedOperation
from kms_enclave.unlock.session import Session

__all__ = ["MAX_STEPS", "batch", "resolve_references"]

MAX_STEPS: Final = 10
_REFERENCE: Final = "$ref"
_TARGET: Final = re.compile(r"(?P<step>[0-9])\.(?P<field>[A-Za-z]+)")


def batch(view: View, params: contract.BatchParams) -> Operation:
    """Authenticate once, run the steps, return ``{results}``."""
    if not 1 <= len(params.requests) <= MAX_STEPS:
        raise request_invalid("requests", f"must be 1 to {MAX_STEPS} steps")

    async def steps(session: Session) -> Wire:
        results: list[Wire] = []
        for number, asked in enumerate(params.requests):
            step = _step(view, number, asked, results)
            try:
                results.append(await step.run(session))
            except KMSError as error:
                raise _placed(error, number) from None
        return {"results": results}

    async def run(operation: UnlockedOperation) -> Wire:
        return await operation.commit(steps)

    return Operation(_in_words(view, params.requests), run)


def resolve_references(value: object, results: Sequence[Wire]) -> object:
    """Return ``value`` with every reference replaced. Raises FieldError."""
    if isinstance(value, list):
        return [resolve_references(item, results) for item in value]
    if not isinstance(value, dict):
        return value
    if _REFERENCE not in value:
        return {name: resolve_references(item, results) for name, item in value.items()}
    target = value[_REFERENCE]
    named = _TARGET.fullmatch(target) if isinstance(target, str) and len(value) == 1 else None
    if named is None or int(named["step"]) >= len(results):
        raise FieldError(_REFERENCE, "must name an earlier step's result, as in 0.kid")
    result = results[int(named["step"])]
    if named["field"] not in result:
        raise FieldError(_REFERENCE, "must name a text of that step's result")
    return result[named["field"]]


def _in_words(view: View, requests: Sequence[contract.BatchStep]) -> str:
    """Say what every step does, and refuse what can be refused before the user is asked.

    References are replaced by stand-ins, so that a step says all that it would say alone:
    a page must not hide what a step does behind a reference.
    """
    outlines: list[Wire] = []
    words: list[str] = []
    for number, asked in enumerate(requests):
        words.append(_step(view, number, asked, outlines).words)
        outlines.append(_outline(view.methods[asked.method].result))
    return "; ".join(words)


def _step(
    view: View,
    number: int,
    asked: contract.BatchStep,
    results: Sequence[Wire],
) -> Step:
    field = f"requests[{number}]"
    method = view.methods.get(asked.method)
    plan = plan_of(method) if method is not None else None
    if method is None or plan is None:
        raise request_invalid(f"{field}.method", "cannot be a step of a batch")
    try:
        given = resolve_references(dict(asked.params or {}), results)
        params: object = structure(given, method.params)
        if getattr(params, "credentials", None) is not None:
            raise FieldError("credentials", "belong to the batch, not to a step")
        return plan(view, cast(Never, params))
    except FieldError as error:
        raise FieldError(f"{field}.params.{error.field}".rstrip("."), error.reason) from None
    except KMSError as error:
        raise _placed(error, number) from None


def _outline(result: type) -> Wire:
    """Return what a step's result has before there is one: a stand-in for each text."""
    fields = attrs.fields(attrs.resolve_types(result))
    names = (camel_case(field.name) for field in fields if field.type is str)
    return {name: name for name in names}


def _placed(error: KMSError, number: int) -> KMSError:
    return KMSError(
        error.code,
        error.message,
        retry_after_ms=error.retry_after_ms,
        details={"step": number, **error.details},
    )
