"""Small faults, each of which a named test must notice: do the tests still hold what they held?

``make mutants`` applies the faults of ``faults/*.toml`` one by one, each to a copy of the
checkout, and runs the tests named beside it until the first fails. A fault is a table::

    [[mutant]]
    name = "quota-refuses-the-last-grant"
    file = "py/kms_enclave/leases/quota.py"
    text = "if count <= fits:"
    becomes = "if count < fits:"
    tests = ["tests/unit/leases/test_quota.py"]

``text`` stands exactly once in ``file``. ``tests`` are files or node ids: ``.py`` is run by
pytest, ``.test.ts`` by vitest. Where code or tests move, change ``file``, ``text`` and ``tests``;
the fault itself stays. ``python -m tools.mutants --list`` tells in a moment whether every text
and every test is there; ``--help`` names the other options.
"""
