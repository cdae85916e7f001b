# What kms_enclave.adapters.browser uses of Pyodide 314's foreign function interface.
from collections.abc import Callable

class JsProxy:
    """Any JavaScript object."""

class JsException(Exception):
    """A JavaScript error; other attributes of the object are read with getattr."""

    name: str
    message: str

def create_proxy(value: object, /) -> JsProxy: ...
def to_js(
    value: object,
    /,
    *,
    create_pyproxies: bool = True,
    dict_converter: Callable[[object], JsProxy] | None = None,
) -> JsProxy: ...
