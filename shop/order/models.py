"""Orders: what was agreed, frozen, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.customer.models import AddressColumns
from shop.db import Base, choice
from shop.pricing.promotions import PromotionKind
from shop.pricing.rounding import Rounding

AMOUNT = "BETWEEN 0 AND 100000000000000"
MOST_TRACE = 500_000
"""Letters of JSON: more than 300 lines under 50 promotions need."""


class OrderState(StrEnum):
    """The agreement itself."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELED = "canceled"


class PaymentState(StrEnum):
    """What came in, seen from the order."""

    UNPAID = "unpaid"
    CHECKING = "checking"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class FulfillmentState(StrEnum):
    """What left the house."""

    UNFULFILLED = "unfulfilled"
    PACKED = "packed"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"


class Order(Base):
    """An agreement at fixed prices. ``number`` is short, readable and random.

    Amounts are gross or net as ``prices_include_tax`` says; subtotal and shipping are before discounts; ``total_minor`` is what is owed: subtotal -
    discount + shipping - untaxed, and + tax where prices are net. ``untaxed_minor`` is the tax that was taken out of gross prices because none is asked,
    ``tax_note`` says why. ``vat_number`` is the buyer's, ``vat_check_id`` what the register said of it.
    ``trace`` is why it costs this, as JSON (``shop.pricing.trace``); lists do not read it.
    ``expired_at`` tells those that were canceled because nobody paid in time.
    """

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    cart_id: Mapped[int | None] = mapped_column(ForeignKey("carts.id", ondelete="SET NULL"), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id", ondelete="SET NULL"), index=True)
    email: Mapped[str]
    locale: Mapped[str]
    currency: Mapped[str]
    state: Mapped[OrderState] = mapped_column(choice(OrderState, "state"), default=OrderState.OPEN)
    payment_state: Mapped[PaymentState] = mapped_column(choice(PaymentState, "payment_state"), default=PaymentState.UNPAID)
    fulfillment_state: Mapped[FulfillmentState] = mapped_column(
        choice(FulfillmentState, "fulfillment_state"), default=FulfillmentState.UNFULFILLED
    )
    prices_include_tax: Mapped[bool]
    subtotal_minor: Mapped[int]
    discount_minor: Mapped[int] = mapped_column(default=0)
    shipping_minor: Mapped[int]
    untaxed_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    tax_note: Mapped[str] = mapped_column(default="", server_default="")
    vat_number: Mapped[str] = mapped_column(default="", server_default="")
    vat_check_id: Mapped[int | None] = mapped_column(ForeignKey("vat_checks.id"))
    tax_rounding: Mapped[Rounding] = mapped_column(choice(Rounding, "tax_rounding"), default=Rounding.LINE, server_default="line")
    shipping_method: Mapped[str]
    shipping_name: Mapped[str]
    is_pickup: Mapped[bool] = mapped_column(default=False)
    payment_method: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    terms_accepted_at: Mapped[datetime]
    placed_at: Mapped[datetime]
    canceled_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1)
    trace: Mapped[str] = mapped_column(
        default="", server_default="", deferred=True
    )  # last: whoever reads another column never walks over it

    __table_args__ = (
        Index("ix_orders_user_id_placed_at", "user_id", "placed_at"),
        Index("ix_orders_placed_at", "placed_at", "id"),
        Index("ix_orders_state_placed_at", "state", "placed_at", "id"),
        Index("ix_orders_email", "email"),
        CheckConstraint(f"subtotal_minor {AMOUNT}", name="subtotal_range"),
        CheckConstraint(f"discount_minor {AMOUNT}", name="discount_range"),
        CheckConstraint(f"shipping_minor {AMOUNT}", name="shipping_range"),
        CheckConstraint(f"tax_minor {AMOUNT}", name="tax_range"),
        CheckConstraint(f"total_minor {AMOUNT}", name="total_range"),
        CheckConstraint("untaxed_minor BETWEEN -100000000000000 AND 100000000000000", name="untaxed_range"),
        CheckConstraint(f"length(trace) <= {MOST_TRACE}", name="trace_length"),
    )


ORDER_COLUMNS = tuple(column for column in cast("Table", Order.__table__).c if column.name != "trace")
"""What reading an order reads; its trace is asked for by itself."""


class OrderLine(Base):
    """One line as it was bought: name, SKU, options, price and tax frozen. ``net_minor + tax_minor = gross_minor`` for the whole line.

    These three are what is owed, after discounts. ``discount_minor`` is what these took off ``quantity * unit_price_minor``, as prices are shown.

    ``revision`` says which edit of the order brought it (0: its placing). Pieces taken off by a later edit stand in ``canceled_quantity``, and their
    amounts in an adjustment; what came back stands in ``returned_quantity``, and what was paid back, with what it had cost, in ``refunded_quantity``
    and ``refunded_minor``. ``shop.order.reckoning`` says what all these leave.
    """

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int]
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="SET NULL"), index=True)
    product_slug: Mapped[str] = mapped_column(default="")
    name: Mapped[str]
    options: Mapped[str] = mapped_column(default="")
    sku: Mapped[str] = mapped_column(default="")
    image_id: Mapped[int | None] = mapped_column(ForeignKey("images.id"), index=True)
    quantity: Mapped[int]
    shipped_quantity: Mapped[int] = mapped_column(default=0)
    canceled_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    returned_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    unit_price_minor: Mapped[int]
    discount_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    tax_rate_ppm: Mapped[int]
    tax_class: Mapped[str]
    weight_g: Mapped[int] = mapped_column(default=0)
    requires_shipping: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_range"),
        CheckConstraint("canceled_quantity BETWEEN 0 AND quantity", name="canceled_range"),
        CheckConstraint("shipped_quantity BETWEEN 0 AND quantity - canceled_quantity", name="shipped_range"),
        CheckConstraint("returned_quantity BETWEEN 0 AND quantity - canceled_quantity", name="returned_range"),
        CheckConstraint("refunded_quantity BETWEEN 0 AND quantity - canceled_quantity", name="refunded_range"),
        CheckConstraint("refunded_minor BETWEEN 0 AND gross_minor", name="refunded_minor_range"),
        CheckConstraint(f"unit_price_minor {AMOUNT}", name="unit_price_range"),
        CheckConstraint("discount_minor BETWEEN 0 AND quantity * unit_price_minor", name="discount_range"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross_is_net_and_tax"),
    )


class AdjustmentKind(StrEnum):
    """Why an amount beside the lines is added or taken off."""

    SHIPPING = "shipping"
    DISCOUNT = "discount"
    EDIT = "edit"


class Adjustment(Base):
    """A labelled plus or minus on an order, with its source and tax, after what discounts took off (``discount_minor``, as shown).

    One of kind ``edit`` takes pieces off ``order_line_id`` under a revision.
    """

    __tablename__ = "adjustments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[AdjustmentKind] = mapped_column(choice(AdjustmentKind, "kind"))
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), index=True)
    source: Mapped[str]
    label: Mapped[str]
    discount_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    tax_rate_ppm: Mapped[int]

    __table_args__ = (
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross_is_net_and_tax"),
        CheckConstraint("gross_minor BETWEEN -100000000000000 AND 100000000000000", name="gross_range"),
        CheckConstraint(f"discount_minor {AMOUNT}", name="discount_range"),
    )


class OrderDiscount(Base):
    """What one promotion took off an order, under the name that it had then. Lines and delivery hold their shares of it; this row adds nothing to them.

    ``delivery_minor`` is the part of ``amount_minor`` that went off the delivery. ``promotion_id`` and ``code`` say which, even when it is long gone.
    """

    __tablename__ = "order_discounts"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    promotion_id: Mapped[int] = mapped_column(index=True)
    code: Mapped[str] = mapped_column(default="")
    kind: Mapped[PromotionKind] = mapped_column(choice(PromotionKind, "kind"))
    label: Mapped[str]
    amount_minor: Mapped[int]
    delivery_minor: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        CheckConstraint("amount_minor BETWEEN 1 AND 100000000000000", name="amount_range"),
        CheckConstraint("delivery_minor BETWEEN 0 AND amount_minor", name="delivery_range"),
    )


class AddressKind(StrEnum):
    """What an address of an order is for."""

    SHIPPING = "shipping"
    BILLING = "billing"


class OrderAddress(AddressColumns, Base):
    """An address as it was given with the order."""

    __tablename__ = "order_addresses"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind, "kind"), primary_key=True)


class OrderEntry(Base):
    """One entry of an order's timeline: what happened, when, by whom (an e-mail, ``customer`` or ``shop``), why. Never edited."""

    __tablename__ = "order_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    actor: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]


class Shipment(Base):
    """A parcel that left, with the lines in it."""

    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    carrier: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str] = mapped_column(default="")
    tracking_url: Mapped[str] = mapped_column(default="")
    shipped_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]


class ShipmentLine(Base):
    """How many pieces of an order line a parcel carries."""

    __tablename__ = "shipment_lines"

    shipment_id: Mapped[int] = mapped_column(ForeignKey("shipments.id", ondelete="CASCADE"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True, index=True)
    quantity: Mapped[int]

    __table_args__ = (CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_range"),)


class OrderRevision(Base):
    """One edit of an order after it was placed: who, when, why, and what it made of the total."""

    __tablename__ = "order_revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    revision: Mapped[int]
    actor: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    before_minor: Mapped[int]
    after_minor: Mapped[int]

    __table_args__ = (UniqueConstraint("order_id", "revision"),)


class CreditKind(StrEnum):
    """Why money goes back: for a return, for an edit of the order, or by a refund that staff or the shop began."""

    RETURN = "return"
    EDIT = "edit"
    REFUND = "refund"


class OrderCredit(Base):
    """Money that is to go back, once per ``source`` (``return:7``, ``revision:3:1``); ``shop.payment`` gives it and says when it is done (``done_at``)."""

    __tablename__ = "order_credits"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[CreditKind] = mapped_column(choice(CreditKind, "kind"))
    source: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int]
    note: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("amount_minor BETWEEN 1 AND 100000000000000", name="amount_range"),)
