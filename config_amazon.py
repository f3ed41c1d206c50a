"""The settings of what the shop may have at Amazon, or at whoever speaks like it: mails by SES, topics of SNS, queues of SQS.

None of them holds a key: boto3 finds keys by its own chain (environment, profile, role of the machine), and ``AWS_ENDPOINT_URL`` leads elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from environment import Environment

REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]+"
PATTERN = re.compile(r"\*|[a-z_]+\.(?:[a-z_]+\*?|\*)")
TOPIC = re.compile(rf"arn:aws[a-z-]*:sns:({REGION}):[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}(?:\.fifo)?")
QUEUE = re.compile(r"https?://[^\s/@?#]+/(?:[^\s@?#]+/)*[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
QUEUE_REGION = re.compile(rf"https://(?:sqs\.({REGION})\.amazonaws\.com|({REGION})\.queue\.amazonaws\.com)[./]")
HOW = "wants events=address, with spaces between several, such as order.*,payment.disputed="
PACKAGES = "requirements-server.txt"


@dataclass(frozen=True, slots=True)
class Listener:
    """A topic or a queue that hears of events. ``patterns`` such as ``order.*``; ``address`` is the topic's ARN or the queue's URL."""

    service: str
    address: str
    patterns: tuple[str, ...]
    region: str = ""

    @property
    def is_fifo(self) -> bool:
        return self.address.endswith(".fifo")


def read_listeners(reader: Environment) -> tuple[Listener, ...]:
    """``SHOP_SNS_TOPICS`` and ``SHOP_SQS_QUEUES``."""
    topics = _read(reader, "SHOP_SNS_TOPICS", "sns", TOPIC, "arn:aws:sns:eu-west-1:123456789012:orders")
    queues = _read(reader, "SHOP_SQS_QUEUES", "sqs", QUEUE, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    for name, found in (("SHOP_SNS_TOPICS", topics), ("SHOP_SQS_QUEUES", queues)):
        if found:
            reader.package(name, "boto3", PACKAGES)
    return topics + queues


def _read(reader: Environment, name: str, service: str, form: re.Pattern[str], example: str) -> tuple[Listener, ...]:
    listeners: list[Listener] = []
    for part in reader.text(name, "").split():
        events, _, address = part.rpartition("=")
        patterns = tuple(events.split(",")) if events else ("*",)
        wrong = [pattern for pattern in patterns if not PATTERN.fullmatch(pattern)]
        if wrong or not form.fullmatch(address):
            shown = re.sub(r"//[^/@]*@|\?.*", "…", (wrong or [address])[0])  # a key that somebody wrote there is not repeated
            reader.wrong(name, f"{shown!r} is not understood; it {HOW}{example}")
        elif any(known.address == address for known in listeners):
            reader.wrong(name, f"names {address} twice; put its events together with commas")
        else:
            listeners.append(Listener(service, address, patterns, _region(address, form)))
    return tuple(listeners)


def _region(address: str, form: re.Pattern[str]) -> str:
    """Where it stands; of a queue elsewhere nobody can tell, and boto3's own setting counts."""
    if form is TOPIC:
        return address.split(":")[3]
    found = QUEUE_REGION.match(address)
    return (found[1] or found[2]) if found else ""


def check_ses(reader: Environment, name: str, url: str) -> None:
    """``ses://eu-west-1`` or ``ses://eu-west-1?configuration_set=shop``: no keys, nothing else."""
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    named = options.pop("configuration_set", ["default"])
    if parts.username or parts.password:
        reader.wrong(name, "takes no keys: boto3 finds them itself (environment, profile or the role of the machine)")
    elif not re.fullmatch(REGION, parts.netloc) or parts.path not in {"", "/"} or options or parts.fragment:
        reader.wrong(name, "wants ses://eu-west-1 or ses://eu-west-1?configuration_set=shop")
    elif len(named) != 1 or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", named[0]):
        reader.wrong(name, "names no configuration set of SES: letters, digits, - and _, at most 64")
    reader.package(name, "boto3", PACKAGES)
