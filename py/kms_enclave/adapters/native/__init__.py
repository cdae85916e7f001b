"""The ports on CPython: pyca/cryptography, SQLite or memory, asyncio."""
