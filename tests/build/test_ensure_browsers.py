"""`make browsers` on a machine that lacks a browser, has an old one, or is a CI machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import attrs
import pytest

from tools.patience import patient

from .conftest import REPOSITORY

PROGRAMS = ("chromium", "firefox-esr", "WebKitWebDriver", "Xvfb", "xauth")
SYSTEM = ("bash", "dirname", "grep", "dpkg", "env")
NEWEST = {"chromium": "156.0.1-1", "firefox-esr": "153.8esr-1", "webkit2gtk-driver": "2.50.6-1"}

OLDEST = dict(
    line.split()
    for line in (REPOSITORY / ".ci" / "browser-versions").read_text("utf-8").splitlines()
    if not line.startswith("#")
)
ROW = re.compile(r"^\| [^|]+ \| `([a-z0-9-]+)` \| ([0-9.]+) \|", re.MULTILINE)


@attrs.frozen
class Machine:
    """A folder with all the programs that there are; `apt-get` only notes what it is told."""

    root: Path

    @property
    def told(self) -> list[str]:
        """What apt-get was told."""
        notes = self.root / "told"
        return notes.read_text("utf-8").splitlines() if notes.exists() else []

    def add(self, name: str, script: str = "exit 0") -> None:
        program = self.root / name
        program.write_text(f"#!/bin/bash\n{script}\n", "utf-8")
        program.chmod(0o755)

    def install(self, versions: dict[str, str]) -> None:
        cases = "".join(f"{package}) echo {it};; " for package, it in versions.items())
        self.add("dpkg-query", f'case "${{@: -1}}" in {cases} *) exit 1;; esac')

    def ensure_browsers(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REPOSITORY / ".ci" / "ensure-browsers"],
            env={"PATH": str(self.root), **variables},
            capture_output=True,
            text=True,
            timeout=patient(60),
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    for name in SYSTEM:
        (tmp_path / name).symlink_to(Path("/usr/bin") / name)
    for name in PROGRAMS:
        made.add(name)
    made.add("id", "echo 0")
    made.add("apt-get", f'echo "$@" >> {tmp_path}/told')
    made.install(NEWEST)
    return made


def test_nothing_is_done_where_every_browser_is_new_enough(machine: Machine):
    ran = machine.ensure_browsers()
    assert (ran.returncode, ran.stderr, machine.told) == (0, "", [])


def test_a_missing_browser_is_installed(machine: Machine):
    (machine.root / "firefox-esr").unlink()
    assert machine.ensure_browsers().returncode == 0
    assert machine.told[-1].endswith("--no-install-recommends firefox-esr")


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("chromium", "136.0.7103.113-1"),
        ("firefox-esr", "140.9.0esr-1~deb12u1"),
        ("webkit2gtk-driver", "2.48.5-1"),
    ],
)
def test_an_old_browser_is_named_with_the_command_that_updates_it(
    machine: Machine, package: str, version: str
):
    machine.install(NEWEST | {package: version})
    ran = machine.ensure_browsers()
    assert ran.returncode == 1
    assert f"{package} {version} is too old: the tests need {OLDEST[package]}" in ran.stderr
    assert f"apt-get update && apt-get install {package}\n" in ran.stderr
    assert machine.told == []


def test_ci_updates_every_browser_even_where_one_is_there(machine: Machine):
    machine.install(NEWEST | {"firefox-esr": "140.9.0esr-1"})
    assert machine.ensure_browsers(CI="true").returncode == 0
    update, install = machine.told
    assert update.split()[0] == "update"
    assert set(OLDEST) <= set(install.split())


def test_the_documentation_names_the_same_versions():
    page = (REPOSITORY / "docs" / "browsers.md").read_text("utf-8")
    assert dict(ROW.findall(page)) == OLDEST
