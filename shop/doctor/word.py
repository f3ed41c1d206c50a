"""The word by which the shop knows its own doctor in a request: signed with the shop's secret, good for a minute."""

from __future__ import annotations

from itsdangerous import BadData, URLSafeTimedSerializer

HEADER = "X-Bodega-Doctor"
GOOD_FOR_S = 60


def make_word(secret: str) -> str:
    """Proves who asks, to this shop alone."""
    return str(_signer(secret).dumps("seen"))


def is_doctor(word: str, secret: str) -> bool:
    """Was this word made by the doctor of this shop within the last minute?"""
    try:
        return bool(_signer(secret).loads(word, max_age=GOOD_FOR_S) == "seen")
    except BadData:
        return False


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="doctor")
