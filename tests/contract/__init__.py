"""The promises of the ports, tried on every adapter.

Each promise is a plain coroutine function that takes a :class:`~.subject.Subject`; its
name is the rule. pytest runs them on CPython, ``browser_entry`` inside Pyodide.
"""
