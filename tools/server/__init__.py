"""Serves a built enclave and a page's folder on two local origins, with a release's headers.

For development, demonstrations and tests. It is not meant to face a network: it listens on
loopback only.
"""

from tools.server.serving import LocalServer, ServeOptions, serve_in_background

__all__ = ["LocalServer", "ServeOptions", "serve_in_background"]
