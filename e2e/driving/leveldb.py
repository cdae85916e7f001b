"""IndexedDB as Chromium keeps it on a profile: a LevelDB for each origin.

Its log's records have a header of seven bytes: checksum, length (2 bytes, little endian), type.
https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

_FULL_RECORD = 1


def is_begun_anew(profile: Path, origin: str) -> bool:
    """Tell whether the last browser on the profile found none of the origin, or none whole."""
    return "since it was missing" in (_folder(profile, origin) / "LOG").read_text("utf-8")


def tear(profile: Path, origin: str) -> None:
    """Leave the beginning of one more record at the log's end, as a kill within a write does."""
    log = max(_folder(profile, origin).glob("*.log"))
    header = bytes(4) + (1_000).to_bytes(2, "little") + bytes([_FULL_RECORD])
    with log.open("ab") as end:
        end.write(header + bytes(990))


def _folder(profile: Path, origin: str) -> Path:
    host, port = urlsplit(origin).hostname, urlsplit(origin).port
    return profile / "Default" / "IndexedDB" / f"http_{host}_{port}.indexeddb.leveldb"
