"""Makes the pictures of docs/screenshots anew: python -m e2e.screenshots

Of the built demo, in the system's Chromium. Each shows one screen, so that it stays small.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs
from playwright.sync_api import Browser, Page, expect, sync_playwright

from e2e.app_pages.driver import Demo
from e2e.driving.chromium import launch_chromium
from tools.server.deployment import PIECES, REPOSITORY
from tools.server.serving import ServeOptions, serve_in_background

WIDE = (1200, 900)
NARROW = (320, 640)


@attrs.frozen
class Camera:
    """`url` is the demo's, `folder` where the pictures go."""

    browser: Browser
    url: str
    folder: Path

    @contextlib.contextmanager
    def open_demo(self, scheme: Literal["light", "dark"], size: tuple[int, int]) -> Iterator[Demo]:
        viewport = {"width": size[0], "height": size[1]}
        with contextlib.closing(
            self.browser.new_context(color_scheme=scheme, viewport=viewport, locale="en-GB")
        ) as context:
            demo = Demo(context.new_page())
            demo.page.goto(self.url)
            demo.wait_until_ready()
            yield demo

    def shoot(self, page: Page, name: str) -> None:
        page.screenshot(path=self.folder / f"{name}.png", animations="disabled", caret="hide")


def shoot_start(camera: Camera) -> None:
    with camera.open_demo("dark", WIDE) as demo:
        camera.shoot(demo.page, "wide-dark")


def shoot_prompt(camera: Camera) -> None:
    with camera.open_demo("light", WIDE) as demo:
        demo.set_up_in_enclave()
        demo.page.get_by_role("button", name="Create the lease").click()
        expect(demo.prompt.get_by_label("Passphrase")).to_be_focused()
        camera.shoot(demo.page, "prompt")


def shoot_token(camera: Camera, size: tuple[int, int], name: str) -> None:
    with camera.open_demo("light", size) as demo:
        demo.set_up_in_enclave()
        demo.create_lease_in_enclave()
        demo.issue()
        demo.page.evaluate("document.querySelector('#step-token').scrollIntoView()")
        camera.shoot(demo.page, name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m e2e.screenshots", description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "screenshots")
    parser.add_argument("--pieces", type=Path, default=PIECES)
    parser.add_argument("--app-port", type=int, default=8500)
    parser.add_argument("--kms-port", type=int, default=8501)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    options = ServeOptions(
        app_root=arguments.pieces / "demo",
        pieces=arguments.pieces,
        app_port=arguments.app_port,
        kms_port=arguments.kms_port,
    )
    with serve_in_background(options) as local, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        camera = Camera(browser, f"{local.app_origin}/", arguments.out)
        shoot_start(camera)
        shoot_prompt(camera)
        shoot_token(camera, WIDE, "wide-light")
        shoot_token(camera, NARROW, "narrow")
        browser.close()


if __name__ == "__main__":
    main()
