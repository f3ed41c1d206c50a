"""Forgetting by itself: what served its time goes, by days that staff may set (``retention.<what>`` in the settings)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update

from shop.auth.models import LoginSession
from shop.cart.models import Cart, CartState
from shop.content.models import Page, PageText
from shop.db import rows, transaction
from shop.mail.models import Mail, MailState
from shop.order.models import Order
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.privacy.services import keep_text
from shop.settings.queries import setting
from shop.web.models import IdempotencyKey

GONE = "–"
PIECE = 1000
LEGAL = (
    select(Page.id, Page.updated_at, PageText.locale, PageText.slug, PageText.title, PageText.body_html)
    .join(PageText, PageText.page_id == Page.id)
    .where(Page.kind == "legal")
)


def days_of(what: str) -> int:
    """How many days something is kept, as the settings say."""
    return int(setting(f"retention.{what}"))


def forget(at: datetime) -> None:
    """The task of every day."""
    forget_carts(at - timedelta(days=days_of("carts")))
    forget_log_ins(at - timedelta(days=days_of("log_ins")))
    forget_letters(at - timedelta(days=days_of("mails")))
    forget_events(at - timedelta(days=days_of("outbox")))
    forget_keys(at - timedelta(days=days_of("keys")))


def forget_carts(before: datetime) -> None:
    """Carts that nobody touched and that became no order."""
    abandoned = select(Cart.id).where(Cart.updated_at < before, Cart.state != CartState.ORDERED, ~exists().where(Order.cart_id == Cart.id))
    _in_pieces(abandoned, lambda ids: delete(Cart).where(Cart.id.in_(ids)))


def forget_log_ins(before: datetime) -> None:
    """Log-ins that ended or ran out: where somebody was logged in is nobody's business afterwards."""
    over = or_(LoginSession.ended_at <= before, LoginSession.expires_at <= before)
    _in_pieces(select(LoginSession.id).where(over), lambda ids: delete(LoginSession).where(LoginSession.id.in_(ids)))


def forget_letters(before: datetime) -> None:
    """What mails said; that they were sent, and about what, stays."""
    old = select(Mail.id).where(Mail.created_at < before, Mail.state == MailState.SENT, Mail.text != GONE)
    _in_pieces(old, lambda ids: update(Mail).where(Mail.id.in_(ids)).values(text=GONE, html=GONE))


def forget_events(before: datetime) -> None:
    """What was told to everybody who had to hear of it. That an order was placed stays: the audit counts it."""
    waits = exists().where(Delivery.event_id == Event.id, Delivery.state != DeliveryState.DONE)
    old = select(Event.id).where(Event.at < before, Event.kind != "order.placed", ~waits)
    _in_pieces(old, lambda ids: delete(Event).where(Event.id.in_(ids)))


def forget_keys(before: datetime) -> None:
    """Answers that programs could have asked for again."""
    with transaction() as session:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < before))


def _in_pieces(which, change) -> None:  # type: ignore[no-untyped-def]
    """A thousand rows at a time: nobody waits long for the lock."""
    while True:
        with transaction() as session:
            ids = list(session.execute(which.limit(PIECE)).scalars())
            if ids:
                session.execute(change(ids).execution_options(synchronize_session=False))
        if len(ids) < PIECE:
            return


def note_texts(at: datetime) -> None:
    """Keep each legal page as it stands, once for each version, so that it can be said later what somebody agreed to."""
    found = rows(LEGAL)
    with transaction() as session:
        for page in found:
            english = next((one.slug for one in found if one.id == page.id and one.locale == "en"), page.slug)
            keep_text(session, english, page.locale, title=page.title, body=page.body_html, at=min(page.updated_at, at))
