"""The command ``kms-enclave``: what an auditor does with an export file, away from any browser.

It decides nothing itself: :mod:`kms_enclave.log.verify` does, on the native adapter.
"""
