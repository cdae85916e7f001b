"""The headers of a release, on every response of the enclave's origin."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping

import pytest

from tools.patience import patient
from tools.server.serving import LocalServer, ServeOptions, serve_in_background

IMMUTABLE = "public, max-age=31536000, immutable"
USED_FEATURES = {
    "publickey-credentials-get": "(self)",
    "publickey-credentials-create": "(self)",
    "storage-access": "(self)",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """The built enclave, as the local server serves it."""
    with serve_in_background(ServeOptions(app_root=tmp_path_factory.mktemp("app"))) as running:
        yield running


def fetch(server: LocalServer, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection("localhost", server.kms_port, timeout=patient(10))
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    received = {name.lower(): value for name, value in response.getheaders()}
    body = response.read()
    connection.close()
    return response.status, received, body


def paths(server: LocalServer) -> list[str]:
    files = [file for file in server.site.rglob("*") if file.is_file()]
    served = [f"/{file.relative_to(server.site).as_posix()}" for file in files]
    return ["/", *served, "/no-such-file"]


def test_content_security_policy_is_the_strict_one(server: LocalServer):
    parents = " ".join(
        f"http://{host}:{server.app_port}" for host in ("localhost", "127.0.0.1", "app.localhost")
    )
    expected = (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; "
        "connect-src 'self'; style-src 'self'; img-src 'self'; "
        f"frame-ancestors {parents}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types kms"
    )
    for path in paths(server):
        assert fetch(server, path)[1]["content-security-policy"] == expected, path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cross-origin-resource-policy", "cross-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("origin-agent-cluster", "?1"),
    ],
)
def test_header_stands_on_every_response(server: LocalServer, name: str, value: str):
    for path in paths(server):
        assert fetch(server, path)[1][name] == value, path


def test_permissions_are_off_but_for_those_in_use(server: LocalServer):
    for path in paths(server):
        policy = fetch(server, path)[1]["permissions-policy"]
        features = dict(item.strip().split("=", 1) for item in policy.split(","))
        assert {name: value for name, value in features.items() if value != "()"} == USED_FEATURES
        assert {"camera", "microphone", "geolocation", "clipboard-read"} <= set(features)


def test_hashed_names_are_cached_for_ever(server: LocalServer):
    hashed = [path for path in paths(server) if path.startswith("/assets/")]
    assert len(hashed) >= 6
    for path in hashed:
        assert fetch(server, path)[1]["cache-control"] == IMMUTABLE, path


@pytest.mark.parametrize("path", ["/", "/index.html", "/kms-runtime.json", "/kms-release.json"])
def test_entry_page_and_lists_are_asked_for_again(server: LocalServer, path: str):
    assert fetch(server, path)[1]["cache-control"] == "no-cache"


def test_runtime_is_compressed_though_the_host_compresses_nothing(server: LocalServer):
    files = json.loads(fetch(server, "/kms-runtime.json")[2])["files"]
    bodies = [fetch(server, f"/{file['path']}")[2] for file in files.values()]
    assert sum(len(body) for body in bodies) < 12_000_000


def test_another_host_name_is_served_nothing(server: LocalServer):
    status, _, body = fetch(server, "/", host=f"attacker.example:{server.kms_port}")
    assert (status, body) == (421, b"unknown host")
