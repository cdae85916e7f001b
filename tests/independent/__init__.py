"""A second verifier of export files, written from docs/spec/audit.md and nothing else.

It shares no code with the package, so that what both accept is what the document says.
It is short rather than fast: whole files in memory, everything computed as it is defined.
"""
