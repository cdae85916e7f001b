"""Reads the `_headers` file of a deployment, so that what is tested is what a host would send."""

from collections.abc import Iterator
from pathlib import Path

import attrs


@attrs.frozen
class HeaderRule:
    """`path` is a path, or a path prefix with a star at its end."""

    path: str
    headers: tuple[tuple[str, str], ...]

    def matches(self, path: str) -> bool:
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


def parse_headers_file(file: Path) -> tuple[HeaderRule, ...]:
    """Return the rules of `file` in order; raise ValueError for a line that belongs to none."""
    return tuple(_parse_rules(file.read_text("utf-8").splitlines()))


def _parse_rules(lines: list[str]) -> Iterator[HeaderRule]:
    path: str | None = None
    headers: list[tuple[str, str]] = []
    for line in lines:
        if not line.startswith(" "):
            if path is not None:
                yield HeaderRule(path, tuple(headers))
            path, headers = line.strip(), []
            continue
        name, colon, value = line.strip().partition(": ")
        if path is None or not colon:
            raise ValueError(f"not a header of a rule: {line!r}")
        headers.append((name.lower(), value))
    if path is not None:
        yield HeaderRule(path, tuple(headers))
