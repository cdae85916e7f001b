"""The key management enclave: keys, leases and the audit log, without a platform."""
