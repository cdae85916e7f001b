"""The headers of a deployment, in the words of each host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.server.headers_file import parse_headers_file

from .conftest import PARENT_ORIGIN, Stamp

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; "
    "connect-src 'self'; style-src 'self'; img-src 'self'; "
    f"frame-ancestors {PARENT_ORIGIN}; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types kms"
)
EVERYWHERE = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-resource-policy": "cross-origin",
    "cross-origin-embedder-policy": "require-corp",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "origin-agent-cluster": "?1",
}


def headers_for(release: Path, path: str) -> dict[str, str]:
    rules = parse_headers_file(release / "site" / "_headers")
    found = [header for rule in rules if rule.matches(path) for header in rule.headers]
    assert len({name for name, _ in found}) == len(found), "some hosts join what two rules give"
    return dict(found)


@pytest.mark.parametrize("path", ["/", "/index.html", "/assets/x.gz", "/kms-runtime.json", "/x"])
def test_every_path_has_the_policies(stamp: Stamp, path: str):
    assert EVERYWHERE.items() <= headers_for(stamp(), path).items()


def test_only_hashed_names_are_kept_for_ever(stamp: Stamp):
    release = stamp()
    caching = {
        path: headers_for(release, path)["cache-control"]
        for path in ("/assets/x.gz", "/", "/index.html", "/kms-runtime.json", "/kms-release.json")
    }
    assert caching.pop("/assets/x.gz") == "public, max-age=31536000, immutable"
    assert set(caching.values()) == {"no-cache"}


def test_permissions_are_off_but_for_what_the_enclave_uses(stamp: Stamp):
    policy = headers_for(stamp(), "/")["permissions-policy"].split(", ")
    used = {entry for entry in policy if not entry.endswith("=()")}
    assert used == {
        "publickey-credentials-get=(self)",
        "publickey-credentials-create=(self)",
        "storage-access=(self)",
    }
    assert {"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} <= set(policy)


def test_frame_ancestors_can_be_left_out_for_a_test(stamp: Stamp):
    policy = headers_for(stamp("--without-frame-ancestors"), "/")["content-security-policy"]
    expected = CONTENT_SECURITY_POLICY.replace(f"frame-ancestors {PARENT_ORIGIN}; ", "")
    assert policy == expected


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_other_hosts_get_the_same_values(stamp: Stamp, name: str):
    release = stamp()
    text = (release / "hosting" / name).read_text()
    for rule in parse_headers_file(release / "site" / "_headers"):
        for _, value in rule.headers:
            assert f'"{value}"' in text


def test_nginx_repeats_every_header_in_every_block(stamp: Stamp):
    blocks = (stamp() / "hosting" / "nginx.conf").read_text().split("location ")[1:]
    served = [block for block in blocks if "return 404" not in block]
    assert len(served) == 6
    assert all(block.count("Content-Security-Policy") == 1 for block in served)
