"""Several authenticated steps under one authentication, in order, all or nothing.

``{"$ref": "0.kid"}`` anywhere in a step's parameters stands for a text of an earlier
step's result. Every step lands in the same commit; if one is refused nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Never, cast

import attrs

from kms_enclave.context import Context
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.steps import STEPS, Step
from kms_enclave.rpc.translate import authorisation
from kms_enclave.structure import FieldError, camel_case, structure
from kms_enclave.unlock.session import Session, authenticated

__all__ = ["MAX_STEPS", "resolve_references", "run_batch"]

MAX_STEPS: Final = 10
_REFERENCE: Final = "$ref"
_TARGET: Final = re.compile(r"(?P<step>[0-9])\.(?P<field>[A-Za-z]+)")


async def run_batch(
    context: Context, params: contract.BatchParams, origin: str
) -> Mapping[str, object]:
    """Authenticate once, run the steps, return ``{results}``."""
    if not 1 <= len(params.requests) <= MAX_STEPS:
        raise request_invalid("requests", f"must be 1 to {MAX_STEPS} steps")
    request = authorisation("batch", params, origin, _in_words(context, params.requests))

    async def run(session: Session) -> Mapping[str, object]:
        results: list[Mapping[str, object]] = []
        for number, asked in enumerate(params.requests):
            step = _step(session.context, number, asked, results)
            try:
                results.append(await step.run(session))
            except KMSError as error:
                raise _placed(error, number) from None
        return {"results": results}

    return await authenticated(context, request, run)


def resolve_references(value: object, results: Sequence[Mapping[str, object]]) -> object:
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


def _in_words(context: Context, requests: Sequence[contract.BatchStep]) -> str:
    """Say what every step does, and refuse what can be refused before the user is asked.

    References are replaced by stand-ins, so that a step says all that it would say alone:
    a page must not hide what a step does behind a reference.
    """
    outlines: list[Mapping[str, object]] = []
    words: list[str] = []
    for number, asked in enumerate(requests):
        words.append(_step(context, number, asked, outlines).words)
        outlines.append(_outline(asked.method))
    return "; ".join(words)


def _step(
    context: Context,
    number: int,
    asked: contract.BatchStep,
    results: Sequence[Mapping[str, object]],
) -> Step:
    field = f"requests[{number}]"
    if asked.method not in STEPS:
        raise request_invalid(f"{field}.method", "cannot be a step of a batch")
    try:
        given = resolve_references(dict(asked.params or {}), results)
        params: object = structure(given, contract.METHODS[asked.method].params)
        if getattr(params, "credentials", None) is not None:
            raise FieldError("credentials", "belong to the batch, not to a step")
        return STEPS[asked.method](context, cast(Never, params))
    except FieldError as error:
        raise FieldError(f"{field}.params.{error.field}".rstrip("."), error.reason) from None
    except KMSError as error:
        raise _placed(error, number) from None


def _outline(method: str) -> Mapping[str, object]:
    """Return what a step's result has before there is one: a stand-in for each text."""
    fields = attrs.fields(attrs.resolve_types(contract.METHODS[method].result))
    names = (camel_case(field.name) for field in fields if field.type is str)
    return {name: name for name in names}


def _placed(error: KMSError, number: int) -> KMSError:
    return KMSError(
        error.code,
        error.message,
        retry_after_ms=error.retry_after_ms,
        details={"step": number, **error.details},
    )
