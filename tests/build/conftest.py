"""Pieces that cost nothing to make, and a stamp to try on them."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.patience import patient

REPOSITORY = Path(__file__).resolve().parents[2]

PARENT_ORIGIN = "https://app.example.com"
FRAME = (
    "start(`kms-manifest-hash-goes-here`,[`kms-parent-origins-go-here`]);"  # as a minifier quotes
)

Stamp = Callable[..., Path]


@pytest.fixture
def pieces(tmp_path: Path) -> Path:
    folder = tmp_path / "pieces"
    folder.mkdir()
    for name in ("image.bin", "python.wasm", "worker.js", "worker-dev.js"):
        content = f"content of {name}".encode()
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    (folder / "frame.js").write_text(FRAME)
    (folder / "frame.css").write_text("body{}")
    (folder / "prompt.js").write_text("0;")
    facts = {
        "version": "1.2.3",
        "codeHash": "c" * 64,
        "entry": "entry",
        "components": {"attrs": "1"},
    }
    (folder / "pieces.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def stamp(pieces: Path, tmp_path: Path) -> Stamp:
    """Stamp a configuration, `stamp(parentOrigins=[…])`; returns where site and hosting are."""

    def stamp_(*flags: str, name: str = "release", **fields: object) -> Path:
        config = {"parentOrigins": [PARENT_ORIGIN], "contact": "mailto:push@kms.test", **fields}
        config_file = tmp_path / f"{name}.config.json"
        config_file.write_text(json.dumps(config))
        script = REPOSITORY / "worker" / "build" / "stamp.mjs"
        command = ["node", script, "--pieces", pieces, "--config", config_file]
        subprocess.run(
            [*command, "--out", tmp_path / name, *flags],
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
            text=True,
            timeout=patient(60),
        )
        return tmp_path / name

    return stamp_
