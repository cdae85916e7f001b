"""What an enclave adds to the browser's memory."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser


def renderer_megabytes(browser: Browser) -> float:
    """Return the renderers' proportional set size, shared pages counted once."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return (
        sum(_pss_kilobytes(each["id"]) for each in processes if each["type"] == "renderer") / 1000
    )


def _pss_kilobytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
