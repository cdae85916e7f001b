"""Firefox and WebKitGTK: all promises at once; the page posts the outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.promises import PROMISES
from tools.patience import patient

from .engines import ENGINES, open_page
from .site import ContractSite

_DEADLINE_S = patient(120)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_promise_is_kept(contract_site: ContractSite, engine: str, tmp_path: Path) -> None:
    with open_page(engine, f"{contract_site.origin}/?report=/report", tmp_path):
        outcome = contract_site.reports.get(timeout=_DEADLINE_S)
    assert outcome == dict.fromkeys(PROMISES)


@pytest.mark.parametrize(("size", "failure"), [(10_000_000, "full"), (10, None)])
def test_a_write_beyond_the_quota_is_full(
    contract_site: ContractSite, tmp_path: Path, size: int, failure: str | None
) -> None:
    # In Firefox, because its quota is a setting: 2 MiB.
    (tmp_path / "user.js").write_text(
        'user_pref("dom.quotaManager.temporaryStorage.fixedLimit", 2048);', "utf-8"
    )
    with open_page("firefox", f"{contract_site.origin}/?report=/report&write={size}", tmp_path):
        outcome = contract_site.reports.get(timeout=_DEADLINE_S)
    assert outcome == {"write": failure}
