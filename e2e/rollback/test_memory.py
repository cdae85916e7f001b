"""What a page remembers of the log is on its way to storage when the page has the token.

More of these rules: ``tests/web/browser/pinned-log.test.ts``.
"""

from __future__ import annotations

import pytest

from e2e.conftest import Leased
from e2e.driving.enclave import issue_params
from e2e.rollback.storage import pin, seen


@pytest.mark.parametrize("count", [1, 10])
def test_tokens_are_remembered_though_their_page_ends_at_once(own_lease: Leased, count: int):
    """Loaded anew in the turn in which it has the last one: of a burst most are not written yet."""
    page = own_lease.page
    pin(page)
    page.page.evaluate(
        """([params, count]) => void (async () => {
            for (let n = 0; n < count; n += 1) window.last = await kms.issueVAPIDJWT(params);
            sessionStorage.last = window.last.auditEntry.seqNum;
            location.reload();
        })()""",
        [issue_params(own_lease.lease_id), count],
    )
    page.page.wait_for_function("window.isLoaded && !window.kms")
    last = int(page.page.evaluate("sessionStorage.last"))
    page.wait_until(lambda: seen(page) == [last])
