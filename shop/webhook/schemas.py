"""JSON of webhooks."""

from __future__ import annotations

from marshmallow import fields, validate

from shop.web.fields import FlagText, ShopSchema, Text, Url, WholeNumber
from shop.web.lists import Word
from shop.web.pagination import CURSOR_MAX
from shop.webhook.models import EndpointState
from shop.webhook.services import MOST_PATTERNS


class EndpointBodySchema(ShopSchema):
    """An address and its events: names such as ``order.placed``, or patterns such as ``order.*`` and ``*``."""

    url = Url(required=True)
    kinds = fields.List(Text(minimum=1, maximum=80), required=True, validate=validate.Length(min=1, max=MOST_PATTERNS))
    note = Text(maximum=120, load_default="")


class EndpointChangeSchema(EndpointBodySchema):
    """The same, with the ``version`` that was read: another one is refused."""

    version = WholeNumber(low=1, load_default=None)


class EndpointSchema(ShopSchema):
    """A webhook without its secret. ``waiting`` and ``dead`` count its deliveries."""

    id = fields.Integer(required=True)
    url = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True)
    note = fields.String(required=True)
    state = Word(EndpointState, required=True)
    why_off = fields.String(required=True)
    failures = fields.Integer(required=True)
    failing_since = fields.AwareDateTime(required=True, allow_none=True)
    waiting = fields.Integer(required=True)
    dead = fields.Integer(required=True)
    has_two_secrets = fields.Boolean(required=True)
    created_at = fields.AwareDateTime(required=True)
    version = fields.Integer(required=True)


class EndpointListSchema(ShopSchema):
    """Newest first."""

    items = fields.List(fields.Nested(EndpointSchema), required=True)


class WebhookSecretSchema(ShopSchema):
    """The ``secret``: nobody can read it a second time."""

    id = fields.Integer(required=True)
    secret = fields.String(required=True)


class WebhookAttemptQuerySchema(ShopSchema):
    failed = FlagText(load_default=False)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class WebhookAttemptSchema(ShopSchema):
    """One try. ``event_id`` is the message's ``webhook-id``; ``delivery_id`` is what may be sent again, null for tests."""

    id = fields.Integer(required=True)
    delivery_id = fields.Integer(required=True, allow_none=True)
    event_id = fields.String(required=True)
    kind = fields.String(required=True)
    subject = fields.String(required=True)
    at = fields.AwareDateTime(required=True)
    status = fields.Integer(required=True, allow_none=True)
    took_ms = fields.Integer(required=True)
    error = fields.String(required=True)
    answer = fields.String(required=True)


class WebhookAttemptListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(WebhookAttemptSchema), required=True)
    next = Text(allow_none=True)


class WebhookOutcomeSchema(ShopSchema):
    """What a test gave."""

    status = fields.Integer(required=True, allow_none=True)
    took_ms = fields.Integer(required=True)
    error = fields.String(required=True)
    answer = fields.String(required=True)


class ResentSchema(ShopSchema):
    count = fields.Integer(required=True)
