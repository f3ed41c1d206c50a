"""The settings of what the shop may have at Amazon, or at whoever speaks like it: files in S3, mails by SES, topics of SNS, queues of SQS.

None of them holds a key: boto3 finds keys by its own chain (environment, profile, role of the machine), and ``AWS_ENDPOINT_URL`` leads elsewhere.
boto3 reads the environment of the process only; ``Account`` hands it what stands under the same names in ``.env``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from environment import Environment

REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]+"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PATTERN = re.compile(r"\*|[a-z_]+\.(?:[a-z_]+\*?|\*)")
TOPIC = re.compile(rf"arn:aws[a-z-]*:sns:({REGION}):[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}(?:\.fifo)?")
QUEUE = re.compile(r"https?://[^\s/@?#]+/(?:[^\s@?#]+/)*[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
QUEUE_REGION = re.compile(rf"https://(?:sqs\.({REGION})\.amazonaws\.com|({REGION})\.queue\.amazonaws\.com)[./]")
HOW = "wants events=address, with spaces between several, such as order.*,payment.disputed="
PACKAGES = "requirements-server.txt"


@dataclass(frozen=True, slots=True)
class Account:
    """What boto3 would read in the process's environment, as the settings have it; what is empty it looks for itself."""

    profile: str = ""
    region: str = ""
    endpoint: str = ""
    key_id: str = ""
    secret_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def read_account(reader: Environment) -> Account:
    """``AWS_PROFILE``, ``AWS_REGION`` or ``AWS_DEFAULT_REGION``, ``AWS_ENDPOINT_URL``, and the three of a key."""
    account = Account(
        profile=reader.text("AWS_PROFILE", ""),
        region=reader.text("AWS_REGION", "") or reader.text("AWS_DEFAULT_REGION", ""),
        endpoint=reader.text("AWS_ENDPOINT_URL", ""),
        key_id=reader.text("AWS_ACCESS_KEY_ID", ""),
        secret_key=reader.text("AWS_SECRET_ACCESS_KEY", ""),
        token=reader.text("AWS_SESSION_TOKEN", ""),
    )
    if bool(account.key_id) != bool(account.secret_key):
        reader.wrong("AWS_SECRET_ACCESS_KEY" if account.key_id else "AWS_ACCESS_KEY_ID", "is missing; its other half is there")
    return account


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


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where files lie: below ``folder``, or the instance's own where that is None, or in ``bucket`` below ``prefix`` (with a slash at its end).

    ``public_url`` is where everybody has the pictures; empty for the shop itself.
    """

    folder: Path | None = None
    bucket: str = ""
    private_bucket: str = ""
    prefix: str = ""
    region: str = ""
    endpoint: str = ""
    is_path_style: bool = False
    public_url: str = ""


def read_storage(reader: Environment, env: str, shop: str) -> StorageSettings:
    """``SHOP_STORAGE_URL`` and ``SHOP_MEDIA_URL``. In a bucket each shop has a part of its own, by its name."""
    name = "SHOP_STORAGE_URL"
    public_url = _public_url(reader, env)
    value = reader.text(name, "")
    if not value:
        return StorageSettings(public_url=public_url)
    parts = urlsplit(value)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        if parts.netloc or parts.query or not folder.is_absolute() or folder == folder.parent:
            reader.wrong(name, "wants file:///a/folder")
        return StorageSettings(folder, public_url=public_url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    private = options.get("private", parts.netloc)
    endpoint = options.get("endpoint", "")
    elsewhere = endpoint or reader.text("AWS_ENDPOINT_URL_S3", "") or reader.text("AWS_ENDPOINT_URL", "")
    style = options.get("style", "path" if elsewhere else "virtual")
    checks = [
        (parts.scheme != "s3", "wants file:///a/folder or s3://bucket/prefix"),
        ("@" in parts.netloc, "takes no keys: boto3 finds them itself (environment, profile or the role of the machine)"),
        (not all(BUCKET.fullmatch(bucket) for bucket in (parts.netloc.rpartition("@")[2], private)), "names no bucket: 3 to 63 small letters, digits, - and ."),
        (not re.fullmatch(r"(?:/[A-Za-z0-9_-]+)*/?", parts.path), "has a prefix that is not made of letters, digits, -, _ and /"),
        (bool(set(options) - {"region", "endpoint", "style", "private"}) or bool(parts.fragment), "knows region, endpoint, style and private after the ?"),
        (bool(endpoint) and not re.fullmatch(r"https?://[^\s/@?#]+/?", endpoint), "has an endpoint that is not an address such as https://minio.example"),
        (env == "production" and endpoint.startswith("http:") and not _is_here(endpoint), "must reach its endpoint by https:// in production"),
        (style not in {"path", "virtual"}, "has a style that is neither path nor virtual"),
        (bool(options.get("region")) and not re.fullmatch(r"[a-z0-9-]{1,40}", options["region"]), "names no region such as eu-west-1"),
    ]  # fmt: skip
    for is_wrong, remedy in checks:
        if is_wrong:
            reader.wrong(name, remedy)
    reader.package(name, "boto3", PACKAGES)
    prefix = parts.path.strip("/")
    return StorageSettings(
        None,
        parts.netloc,
        private,
        f"{prefix}/{shop}/".removeprefix("/"),
        options.get("region", ""),
        endpoint,
        style == "path",
        public_url,
    )


def _public_url(reader: Environment, env: str) -> str:
    """``https://cdn.example/media``, without a slash at its end."""
    value = reader.text("SHOP_MEDIA_URL", "").rstrip("/")
    if value and not re.fullmatch(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~-]+)*", value):
        reader.wrong("SHOP_MEDIA_URL", "is not an address such as https://cdn.example/media")
    elif value.startswith("http:") and env == "production" and not _is_here(value):
        reader.wrong("SHOP_MEDIA_URL", "must begin with https:// in production: browsers show no other pictures on a page that came by it")
    return value


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1"}


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
