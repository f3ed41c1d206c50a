"""Amazon's services, or what speaks like them: clients that are made when somebody first asks, and that stop asking while nobody answers.

boto3 is loaded by the first who asks: a shop that has nothing there never loads it. It finds its keys by its own chain (environment, profile, role
of the machine) and its address in ``AWS_ENDPOINT_URL``, where that is set. What is asked stands with who asks: ``mail/ses.py``, ``announce``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from config_amazon import Account

CONNECT_S = 3
READ_S = 10
REST_S = 10.0


class Away(Exception):
    """The service does not answer, or did not a moment ago."""


@cache
def _descriptions() -> Any:
    """What boto3 knows of each service: large files, read once for all clients of a process."""
    from botocore.loaders import create_loader

    return create_loader()


def new_session(account: Account) -> Any:
    """A session of boto3: with the account's key or profile, or, without either, what it finds by itself."""
    import boto3
    import botocore.session

    session = botocore.session.Session(profile=account.profile or None)
    session.register_component("data_loader", _descriptions())
    if account.key_id:
        session.set_credentials(account.key_id, account.secret_key, account.token or None)
    return boto3.session.Session(botocore_session=session)


class Amazon:
    """One service of Amazon, for all threads of a process.

    ``region`` and ``endpoint`` win over those of the account; ``attempts``: how often boto3 itself asks; ``options``: those of
    ``botocore.config.Config``.
    """

    def __init__(self, service: str, account: Account, region: str = "", *, endpoint: str = "", attempts: int = 2, **options: Any) -> None:
        self.service, self.account, self.attempts, self.options = service, account, attempts, options
        self.region, self.endpoint = region or account.region, endpoint or account.endpoint
        self._lock = threading.Lock()
        self._client: Any = None
        self._rests_until = 0.0

    @property
    def client(self) -> Any:
        """The client itself; made once, with timeouts that no page or courier waits long for."""
        with self._lock:
            if self._client is None:
                from botocore.config import Config

                retries = {"mode": "standard", "total_max_attempts": self.attempts}
                config = Config(connect_timeout=CONNECT_S, read_timeout=READ_S, retries=retries, **self.options)
                place = {"region_name": self.region or None, "endpoint_url": self.endpoint or None}
                self._client = new_session(self.account).client(self.service, **place, config=config)
            return self._client

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """Gives the client. Who does not answer is left alone for ten seconds, so that nobody queues up behind a dead line.

        Raises:
            Away: nobody answered, now or a moment ago. What the service refuses comes as boto3's own ``ClientError``.
        """
        if time.monotonic() < self._rests_until:
            raise Away(f"{self.service} did not answer a moment ago; it is asked again soon")
        from botocore.exceptions import BotoCoreError

        try:
            yield self.client
        except BotoCoreError as silence:
            self._rests_until = time.monotonic() + REST_S
            raise Away(f"{type(silence).__name__}: {silence}") from silence


def code_of(error: Any) -> str:
    """The word by which a service names what is wrong, such as ``NoSuchKey``, of boto3's ``ClientError``."""
    return str(error.response.get("Error", {}).get("Code", ""))
