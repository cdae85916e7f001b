"""What a page remembers of the log is on its way to storage when the page has the token.

More of these rules: ``tests/web/browser/pinned-log.test.ts``.
"""

from __future__ import annotations

import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import issue_params
from e2e.rollback.storage import seen


@pytest.mark.parametrize("count", [1, 2, 10])
def test_tokens_are_remembered_though_their_page_ends_at_once(leased: Leased, count: int):
    """Loaded anew in the turn in which it has the last one: of a burst most are not written yet."""
    leased.page.reload()
    assert leased.page.open_sdk().code is None
    leased.page.page.evaluate(
        """([params, count]) => void (async () => {
            for (let n = 0; n < count; n += 1) window.last = await kms.issueVAPIDJWT(params);
            sessionStorage.last = window.last.auditEntry.seqNum;
            location.reload();
        })()""",
        [issue_params(leased.lease_id), count],
    )
    leased.page.page.wait_for_function("window.isLoaded && !window.kms")
    last = int(leased.page.page.evaluate("sessionStorage.last"))
    leased.page.wait_until(lambda: seen(leased.page) == [last], timeout_ms=2_000)
