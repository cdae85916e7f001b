"""The vector file is what its generator writes, so nobody edits one without the other."""

from pathlib import Path

from vectors.make_crypto import format_vectors

_FILE = Path(__file__).parent / "crypto.json"


def test_crypto_json_is_what_its_generator_writes() -> None:
    assert _FILE.read_text("utf-8") == format_vectors()
