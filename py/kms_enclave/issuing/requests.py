"""What may be asked under a lease, and what is given: tokens, or leave to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from kms_enclave.issuing.charges import Usage
from kms_enclave.leases.lease import Endpoint, LiveLease
from kms_enclave.leases.relay import ProofUse, RelayProof
from kms_enclave.leases.token import TokenClaims

__all__ = ["CountedRequest", "Granted", "IssueRequest", "LeaseRequest", "SendsRequest", "Token"]


@attrs.frozen
class LeaseRequest:
    """A call of an origin under a lease, through a relay where one is named."""

    origin: str
    lease_id: str
    relay_id: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class IssueRequest(LeaseRequest):
    """A call for ``count`` tokens, all or none. ``kid``, where given, must be the lease's.

    It counts as ``sends`` sends: a single token is asked for in order to send, those of a
    batch are kept. ``method`` is what a relay's proof names.
    """

    endpoint: Endpoint
    kid: str | None = None
    count: int = 1
    sends: int = 1
    method: str = "issueVAPIDJWT"
    relay_proof: RelayProof | None = None


@attrs.frozen
class SendsRequest(LeaseRequest):
    """A call for leave to send ``count`` times with tokens of a batch, all or none."""

    eid: str
    count: int


CountedRequest = IssueRequest | SendsRequest
"""What is decided against the quotas."""


@attrs.frozen
class Token:
    """An issued token with its audit entry; ``claims`` in Unix seconds."""

    jwt: str = attrs.field(repr=False)
    claims: TokenClaims
    kid: str
    vapid_public_key: str
    audit_entry: Mapping[str, object]


@attrs.frozen
class Granted:
    """What a call was granted; the charges are counted, the tokens not signed yet."""

    request: CountedRequest
    lease: LiveLease
    usages: Sequence[Usage]
    claims: Sequence[TokenClaims] = ()
    proof: ProofUse | None = None
