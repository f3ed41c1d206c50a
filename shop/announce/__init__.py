"""Telling topics of Amazon SNS and queues of Amazon SQS what happened: each hears the published events that the settings name, at least once.

``SHOP_SNS_TOPICS`` and ``SHOP_SQS_QUEUES`` say who hears of what; the outbox carries it, so that nobody there ever holds up an order. What is said
stands in ``shop.outbox.envelope``.
"""

from __future__ import annotations

from flask import Flask

from environment import ConfigError
from shop.outbox import subscribe
from shop.outbox.envelope import kinds_matching, published_kinds


def init_app(app: Flask) -> None:
    """Subscribe each topic and queue; after all features, which publish their events first.

    Raises:
        ConfigError: somebody wants to hear of an event that there is not.
    """
    listeners = app.extensions["config"].listeners
    if not listeners:
        return
    from shop.announce.amazon import announcer

    for listener in listeners:
        for pattern in listener.patterns:
            if not kinds_matching(app, [pattern]):
                known = ", ".join(one.kind for one in published_kinds(app))
                raise ConfigError(
                    f"SHOP_{'SNS_TOPICS' if listener.service == 'sns' else 'SQS_QUEUES'}: no event is called {pattern!r}; there are {known}"
                )
        tell = announcer(listener, app.extensions["config"].amazon)
        for kind in kinds_matching(app, listener.patterns):
            subscribe(app, kind, listener.address, tell)
