"""WebAuthn without a browser: challenges, and verification of registrations and assertions."""
