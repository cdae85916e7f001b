"""Every method of the enclave: its parameters and its result, declared once.

``web/protocol/contract.gen.ts`` is generated from this package, and requests are
refused against it before any handler runs. Durations and times carry their unit
in the docstring: a token's ``exp`` and ``nbf`` are Unix *seconds* (they mirror the
claims), every other time is Unix *milliseconds*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from kms_enclave.rpc.contract.audit import (
    AuditDelegationCert,
    AuditEntry,
    AuditFault,
    AuditHead,
    GetAuditLogParams,
    GetAuditLogResult,
    VerifyAuditChainResult,
)
from kms_enclave.rpc.contract.credentials import (
    Credentials,
    PasskeyGateCredentials,
    PasskeyPrfCredentials,
    PassphraseCredentials,
)
from kms_enclave.rpc.contract.enrollment import (
    AddEnrollmentParams,
    AddEnrollmentResult,
    ChangePassphraseParams,
    EnrollmentInfo,
    GetEnrollmentsResult,
    IsSetupResult,
    NewCredentials,
    RemoveEnrollmentParams,
    SetupPasskeyParams,
    SetupPassphraseParams,
    SetupResult,
    Success,
)
from kms_enclave.rpc.contract.instance import (
    AuthenticatedParams,
    BatchParams,
    BatchResult,
    BatchStep,
    Empty,
    ResetParams,
    ResetResult,
    StatusResult,
)
from kms_enclave.rpc.contract.keys import (
    GenerateVAPIDResult,
    GetPublicKeyParams,
    GetPublicKeyResult,
    GetPushSubscriptionResult,
    GetVAPIDKidResult,
    PushSubscription,
    RemovePushSubscriptionParams,
    SetPushSubscriptionParams,
    SignJWTParams,
    SignJWTResult,
    SubscriptionKeys,
)
from kms_enclave.rpc.contract.leases import (
    CreateLeaseParams,
    CreateLeaseResult,
    Endpoint,
    IssuedToken,
    IssueParams,
    QuotaOverrides,
    Quotas,
)

__all__ = [
    "METHODS",
    "AddEnrollmentParams",
    "AddEnrollmentResult",
    "AuditDelegationCert",
    "AuditEntry",
    "AuditFault",
    "AuditHead",
    "AuthenticatedParams",
    "BatchParams",
    "BatchResult",
    "BatchStep",
    "ChangePassphraseParams",
    "CreateLeaseParams",
    "CreateLeaseResult",
    "Credentials",
    "Empty",
    "Endpoint",
    "EnrollmentInfo",
    "GenerateVAPIDResult",
    "GetAuditLogParams",
    "GetAuditLogResult",
    "GetEnrollmentsResult",
    "GetPublicKeyParams",
    "GetPublicKeyResult",
    "GetPushSubscriptionResult",
    "GetVAPIDKidResult",
    "IsSetupResult",
    "IssueParams",
    "IssuedToken",
    "Method",
    "NewCredentials",
    "PasskeyGateCredentials",
    "PasskeyPrfCredentials",
    "PassphraseCredentials",
    "PushSubscription",
    "QuotaOverrides",
    "Quotas",
    "RemoveEnrollmentParams",
    "RemovePushSubscriptionParams",
    "ResetParams",
    "ResetResult",
    "SetPushSubscriptionParams",
    "SetupPasskeyParams",
    "SetupPassphraseParams",
    "SetupResult",
    "SignJWTParams",
    "SignJWTResult",
    "StatusResult",
    "SubscriptionKeys",
    "Success",
    "VerifyAuditChainResult",
]


@attrs.frozen
class Method:
    """The classes of a method's parameters and result."""

    params: type
    result: type


METHODS: Final[Mapping[str, Method]] = {
    "setupPassphrase": Method(SetupPassphraseParams, SetupResult),
    "setupPasskeyPRF": Method(SetupPasskeyParams, SetupResult),
    "setupPasskeyGate": Method(SetupPasskeyParams, SetupResult),
    "setup": Method(Empty, SetupResult),
    "addEnrollment": Method(AddEnrollmentParams, AddEnrollmentResult),
    "removeEnrollment": Method(RemoveEnrollmentParams, Success),
    "changePassphrase": Method(ChangePassphraseParams, Success),
    "isSetup": Method(Empty, IsSetupResult),
    "getEnrollments": Method(Empty, GetEnrollmentsResult),
    "getStatus": Method(Empty, StatusResult),
    "generateVAPID": Method(AuthenticatedParams, GenerateVAPIDResult),
    "regenerateVAPID": Method(AuthenticatedParams, GenerateVAPIDResult),
    "signJWT": Method(SignJWTParams, SignJWTResult),
    "batch": Method(BatchParams, BatchResult),
    "getPublicKey": Method(GetPublicKeyParams, GetPublicKeyResult),
    "getVAPIDKid": Method(Empty, GetVAPIDKidResult),
    "exportPublicKey": Method(GetPublicKeyParams, GetPublicKeyResult),
    "setPushSubscription": Method(SetPushSubscriptionParams, Success),
    "removePushSubscription": Method(RemovePushSubscriptionParams, Success),
    "getPushSubscription": Method(Empty, GetPushSubscriptionResult),
    "createLease": Method(CreateLeaseParams, CreateLeaseResult),
    "issueVAPIDJWT": Method(IssueParams, IssuedToken),
    "getAuditLog": Method(GetAuditLogParams, GetAuditLogResult),
    "verifyAuditChain": Method(Empty, VerifyAuditChainResult),
    "resetKMS": Method(ResetParams, ResetResult),
}
