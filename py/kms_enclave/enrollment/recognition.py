"""What a user recognises the enclave's own prompts by: a phrase and a colour.

Made at random at setup and shown in every real prompt. A page that draws an imitation
does not know them. They are no secret that protects a key.
"""

from __future__ import annotations

import re
from typing import Final

from kms_enclave.ports.crypto import CryptoPort
from kms_enclave.ports.prompt import Recognition

__all__ = ["make_recognition"]

_WORDS: Final = tuple(
    re.findall(
        r"\w+",
        """
        amber anchor apple arrow autumn badger bamboo basket beacon birch bison bottle breeze
        bridge bronze bucket butter cactus candle canyon carpet castle cedar cello cherry cinder
        citrus clover cobalt comet copper coral cotton crane cricket crystal dahlia desert dolphin
        dragon eagle ember engine falcon feather fennel ferry fiddle forest fossil fountain fox
        galaxy garden garlic gecko ginger glacier granite grape guitar hammer harbor hazel heron
        honey island ivory jacket jasmine jungle juniper kettle kiwi ladder lagoon lantern lemon
        lentil lily linen lizard lotus magnet mango maple marble meadow melon mint mirror mosaic
        nectar needle nickel nutmeg oasis ocean olive onion orbit orchid otter owl oyster paddle
        panda paper pebble pepper piano pine planet plum pocket
        """,
    )
)[:128]
_COLOURS: Final = (
    "#b3261e", "#9a4600", "#7a5900", "#3f6b00", "#006d3b", "#006a6a", "#00658e", "#1a56db",
    "#4b4fc4", "#7b3fb3", "#a1348a", "#b3245f", "#6b4f3a", "#4a5a3c", "#34586e", "#5c4b6b",
)  # fmt: skip


def make_recognition(crypto: CryptoPort) -> Recognition:
    """Return three words and a colour of live randomness."""
    first, second, third, colour = crypto.random_bytes(4)
    words = (_WORDS[number % len(_WORDS)] for number in (first, second, third))
    return Recognition(" ".join(words), _COLOURS[colour % len(_COLOURS)])
