"""usage: python -m tools.server --kms-port PORT --app-port PORT --app-root FOLDER"""

import argparse
import os
import signal
import sys
import time
import webbrowser
from pathlib import Path

from tools.server.deployment import PIECES
from tools.server.serving import LocalServer, ServeError, ServeOptions, serve_in_background

_LOOK_AGAIN_S = 0.2


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.server",
        description="Serve the built enclave and a page.",
        exit_on_error=False,
    )
    parser.add_argument(
        "--kms-port",
        type=_port,
        default=8501,
        help="port of the enclave (default: %(default)s)",
    )
    parser.add_argument(
        "--app-port",
        type=_port,
        default=8500,
        help="port of the page (default: %(default)s)",
    )
    parser.add_argument(
        "--app-root",
        type=Path,
        default=PIECES / "demo",
        help="page's folder",
    )
    parser.add_argument(
        "--no-page-credentials",
        action="store_true",
        help="the page may not pass credentials itself",
    )
    parser.add_argument(
        "--dev",
        action="store_true",
        help="plain Pyodide and the sources of py/: an edit needs only a reload",
    )
    parser.add_argument(
        "--cryptography",
        type=Path,
        help="with --dev: a folder of Pyodide's build of cryptography; the native crypto port runs",
    )
    parser.add_argument("--open", action="store_true", help="open a browser, if there is a display")
    return parser.parse_args()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number up to 65535")
    return int(text)


def _announce(local: LocalServer, app_root: Path) -> None:
    cross_site = f"embeds the enclave cross-site, at {local.cross_site_kms_origin}"
    lines = (
        f"page      {local.app_origin}/  ({app_root})",
        f"          {local.cross_site_app_origin}/  {cross_site}",
        f"enclave   {local.kms_origin}/",
        f"sdk       {local.app_origin}/sdk/kms-user.js",
        "Ctrl-C stops both.",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    try:
        _serve(_parse_arguments())
    except (ServeError, argparse.ArgumentError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _serve(arguments: argparse.Namespace) -> None:
    # Ctrl-C under make means two signals. An Event's lock may be held when the second one comes,
    # and whatever waits without an end misses one that comes just before it waits.
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: told.append(number))
    options = ServeOptions(
        app_root=arguments.app_root,
        kms_port=arguments.kms_port,
        app_port=arguments.app_port,
        page_credentials=not arguments.no_page_credentials,
        development=arguments.dev,
        cryptography=arguments.cryptography,
    )
    with serve_in_background(options) as local:
        _announce(local, arguments.app_root)
        if arguments.open and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            webbrowser.open(f"{local.app_origin}/")
        while not told:
            time.sleep(_LOOK_AGAIN_S)


if __name__ == "__main__":
    sys.exit(main())
