"""Stamps a deployment for local origins out of the built pieces."""

import json
import subprocess
from pathlib import Path

import attrs

REPOSITORY = Path(__file__).resolve().parents[2]
PIECES = REPOSITORY / "build" / "pieces"

# What a lease may ask for here, and what a user or a relay may use: far above any real
# deployment, so that the enclave can be measured.
CEILING = 1_000_000


@attrs.frozen
class LocalDeployment:
    """Where the enclave's files go, and what its configuration says."""

    output: Path
    app_port: int
    page_credentials: bool = True
    frame_ancestors: bool = True
    more_origins: tuple[str, ...] = ()
    pieces: Path = PIECES


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
        "pushServices": [
            "https://fcm.googleapis.com",
            "https://updates.push.services.mozilla.com",
            "https://web.push.apple.com",
        ],
    }


def stamp_deployment(deployment: LocalDeployment) -> Path:
    """Write the deployment and return the folder to serve.

    Raise CalledProcessError if the stamp refuses the configuration.
    """
    deployment.output.mkdir(parents=True, exist_ok=True)
    config = deployment.output / "kms.config.json"
    values = local_config(
        app_port=deployment.app_port,
        page_credentials=deployment.page_credentials,
        more_origins=deployment.more_origins,
    )
    config.write_text(json.dumps(values, indent=2), "utf-8")
    enclave = deployment.output / "enclave"
    arguments: list[str | Path] = ["--config", config, "--out", enclave]
    arguments += ["--pieces", deployment.pieces]
    if not deployment.frame_ancestors:
        arguments.append("--without-frame-ancestors")
    stamp = REPOSITORY / "worker" / "build" / "stamp.mjs"
    subprocess.run(
        ["node", stamp, *arguments], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL
    )
    return enclave / "site"
