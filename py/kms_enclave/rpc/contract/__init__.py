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
    ExtendLeaseParams,
    GetLeasesResult,
    IssuedToken,
    IssuedTokens,
    IssueManyParams,
    IssueParams,
    IsTokenRevokedResult,
    LeaseEnd,
    LeaseIdParams,
    LeaseInfo,
    LeaseParams,
    PatternParams,
    QuotaOverrides,
    Quotas,
    RevokeAllLeasesResult,
    RevokedTokenInfo,
    RevokedTokensResult,
    RevokeLeaseResult,
    TokenIdParams,
    VerifyLeaseResult,
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
    "ExtendLeaseParams",
    "GenerateVAPIDResult",
    "GetAuditLogParams",
    "GetAuditLogResult",
    "GetEnrollmentsResult",
    "GetLeasesResult",
    "GetPublicKeyParams",
    "GetPublicKeyResult",
    "GetPushSubscriptionResult",
    "GetVAPIDKidResult",
    "IsSetupResult",
    "IsTokenRevokedResult",
    "IssueManyParams",
    "IssueParams",
    "IssuedToken",
    "IssuedTokens",
    "LeaseEnd",
    "LeaseIdParams",
    "LeaseInfo",
    "LeaseParams",
    "Method",
    "NewCredentials",
    "PasskeyGateCredentials",
    "PasskeyPrfCredentials",
    "PassphraseCredentials",
    "PatternParams",
    "PushSubscription",
    "QuotaOverrides",
    "Quotas",
    "RemoveEnrollmentParams",
    "RemovePushSubscriptionParams",
    "ResetParams",
    "ResetResult",
    "RevokeAllLeasesResult",
    "RevokeLeaseResult",
    "RevokedTokenInfo",
    "RevokedTokensResult",
    "SetPushSubscriptionParams",
    "SetupPasskeyParams",
    "SetupPassphraseParams",
    "SetupResult",
    "SignJWTParams",
    "SignJWTResult",
    "StatusResult",
    "SubscriptionKeys",
    "Success",
    "TokenIdParams",
    "VerifyAuditChainResult",
    "VerifyLeaseResult",
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
    "extendLease": Method(ExtendLeaseParams, LeaseEnd),
    "refreshLease": Method(LeaseParams, LeaseEnd),
    "resumeLease": Method(LeaseParams, LeaseEnd),
    "revokeLease": Method(LeaseIdParams, RevokeLeaseResult),
    "revokeAllLeases": Method(Empty, RevokeAllLeasesResult),
    "suspendPattern": Method(PatternParams, Success),
    "unsuspendPattern": Method(PatternParams, Success),
    "getLeases": Method(Empty, GetLeasesResult),
    "verifyLease": Method(LeaseIdParams, VerifyLeaseResult),
    "issueVAPIDJWT": Method(IssueParams, IssuedToken),
    "issueVAPIDJWTs": Method(IssueManyParams, IssuedTokens),
    "isTokenRevoked": Method(TokenIdParams, IsTokenRevokedResult),
    "revokedTokens": Method(Empty, RevokedTokensResult),
    "getAuditLog": Method(GetAuditLogParams, GetAuditLogResult),
    "verifyAuditChain": Method(Empty, VerifyAuditChainResult),
    "resetKMS": Method(ResetParams, ResetResult),
}
