"""Several authenticated steps under one authentication, in order, all or nothing.

``{"$ref": "0.kid"}`` anywhere in a step's parameters stands for a field of an earlier
step's result. Every step lands in the same commit; if one is refused nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Never, cast

from kms_enclave.context import Context
from kms_enclave.enrollment.session import Session, authenticated
from kms_enclave.errors import KMSError, request_invalid
from kms_enclave.rpc import contract
from kms_enclave.rpc.steps import STEPS, Step
from kms_enclave.rpc.translate import authorisation
from kms_enclave.structure import FieldError, structure

__all__ = ["MAX_STEPS", "resolve_references", "run_batch"]

MAX_STEPS: Final = 10
_REFERENCE: Final = "$ref"


async def run_batch(
    context: Context, params: contract.BatchParams, origin: str
) -> Mapping[str, object]:
    """Authenticate once, run the steps, return ``{results}``."""
    if not 1 <= len(params.requests) <= MAX_STEPS:
        raise request_invalid("requests", f"must be 1 to {MAX_STEPS} steps")
    words = [_words(context, number, step) for number, step in enumerate(params.requests)]
    request = authorisation("batch", params, origin, "; ".join(words))

    async def run(session: Session) -> Mapping[str, object]:
        results: list[Mapping[str, object]] = []
        for number, asked in enumerate(params.requests):
            step = _step(session.context, number, asked, results)
            results.append(await step.run(session))
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
    number, _, name = target.partition(".") if isinstance(target, str) else ("", "", "")
    if len(value) != 1 or not number.isdecimal() or int(number) >= len(results):
        raise FieldError(_REFERENCE, "must name an earlier step's result, as in 0.kid")
    if name not in results[int(number)]:
        raise FieldError(_REFERENCE, "must name a field of that step's result")
    return results[int(number)][name]


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


def _words(context: Context, number: int, asked: contract.BatchStep) -> str:
    """Say what a step does; one that refers to earlier results is checked when it runs."""
    if _REFERENCE in str(asked.params):
        if asked.method not in STEPS:
            raise request_invalid(f"requests[{number}].method", "cannot be a step of a batch")
        return _GENERIC.get(asked.method, asked.method)
    return _step(context, number, asked, ()).words


_GENERIC: Final = {
    "signJWT": "Sign a token with that key",
    "createLease": "Create a lease with that key",
    "removeEnrollment": "Remove that way to unlock",
}


def _placed(error: KMSError, number: int) -> KMSError:
    return KMSError(
        error.code,
        error.message,
        retry_after_ms=error.retry_after_ms,
        details={"step": number, **error.details},
    )
