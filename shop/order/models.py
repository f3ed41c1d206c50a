"""Orders: what was agreed, frozen, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.customer.models import AddressColumns
from shop.db import Base, choice

AMOUNT = "BETWEEN 0 AND 100000000000000"


class OrderState(StrEnum):
    """The agreement itself."""

    OPEN = "open"
    COMPLETED = "completed"
    CANCELED = "canceled"


class PaymentState(StrEnum):
    """What came in, seen from the order."""

    UNPAID = "unpaid"
    CHECKING = "checking"
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

    Amounts are gross or net as ``prices_include_tax`` says; ``total_minor`` is what is owed.
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
    tax_minor: Mapped[int]
    total_minor: Mapped[int]
    shipping_method: Mapped[str]
    shipping_name: Mapped[str]
    is_pickup: Mapped[bool] = mapped_column(default=False)
    payment_method: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    terms_accepted_at: Mapped[datetime]
    placed_at: Mapped[datetime]
    canceled_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)

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
    )


class OrderLine(Base):
    """One line as it was bought: name, SKU, options, price and tax frozen. ``net_minor + tax_minor = gross_minor`` for the whole line."""

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
    unit_price_minor: Mapped[int]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    tax_rate_bp: Mapped[int]
    tax_class: Mapped[str]
    weight_g: Mapped[int] = mapped_column(default=0)
    requires_shipping: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_range"),
        CheckConstraint("shipped_quantity BETWEEN 0 AND quantity", name="shipped_range"),
        CheckConstraint(f"unit_price_minor {AMOUNT}", name="unit_price_range"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross_is_net_and_tax"),
    )


class AdjustmentKind(StrEnum):
    """Why an amount beside the lines is added or taken off."""

    SHIPPING = "shipping"
    DISCOUNT = "discount"


class Adjustment(Base):
    """A labelled plus or minus on an order, with its source and tax."""

    __tablename__ = "adjustments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[AdjustmentKind] = mapped_column(choice(AdjustmentKind, "kind"))
    source: Mapped[str]
    label: Mapped[str]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    tax_rate_bp: Mapped[int]

    __table_args__ = (
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross_is_net_and_tax"),
        CheckConstraint("gross_minor BETWEEN -100000000000000 AND 100000000000000", name="gross_range"),
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
