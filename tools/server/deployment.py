"""Stamps a deployment for local origins out of the built pieces."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PIECES = REPOSITORY / "build" / "pieces"

# What a lease may ask for here, and what a user or a relay may use: far above any real
# deployment, so that the enclave can be measured.
CEILING = 1_000_000


def local_config(
    *, app_port: int, page_credentials: bool, more_origins: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return a development configuration for pages on `app_port` of this machine."""
    hosts = ("localhost", "127.0.0.1", "app.localhost")
    return {
        "parentOrigins": [*(f"http://{host}:{app_port}" for host in hosts), *more_origins],
        "contact": "mailto:developer@localhost",
        "allowPageCredentials": page_credentials,
        "allowGate": True,
        "development": True,
        "maxLeaseHours": 24,
        "quotas": {
            "default": {
                "tokensPerHour": 100,
                "sendsPerMinute": 10,
                "burstSends": 20,
                "sendsPerMinutePerEid": 5,
            },
            "ceiling": dict.fromkeys(
                (
                    "tokensPerHour",
                    "sendsPerMinute",
                    "burstSends",
                    "sendsPerMinutePerEid",
                ),
                CEILING,
            ),
            "perUserPerDay": CEILING,
            "perRelayPerHour": CEILING,
            "refuseRelayOverCap": False,
        },
    }


def stamp_deployment(
    output: Path, *, config: dict[str, object], pieces: Path, flags: Sequence[str] = ()
) -> Path:
    """Write a deployment below `output` and return the folder to serve.

    Raise CalledProcessError if the stamp refuses the configuration.
    """
    output.mkdir(parents=True, exist_ok=True)
    config_file = output / "kms.config.json"
    config_file.write_text(json.dumps(config, indent=2), "utf-8")
    enclave = output / "enclave"
    arguments: list[str | Path] = ["--config", config_file, "--out", enclave]
    arguments += ["--pieces", pieces, *flags]
    stamp = REPOSITORY / "worker" / "build" / "stamp.mjs"
    subprocess.run(
        ["node", stamp, *arguments], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL
    )
    return enclave / "site"
