"""Customers for programs of the staff."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from shop.auth.current import current_user
from shop.catalog.api_staff import next_url, owner
from shop.clock import now
from shop.customer.staff_services import change_customer, create_customer
from shop.errors import Conflict, Invalid, NotFound
from shop.money import Money
from shop.people import bp
from shop.people.queries import get_customer, list_addresses_of, list_customers, list_orders_of
from shop.people.schemas import CustomerListSchema, CustomerRecordSchema, NewCustomerSchema, PeopleQuerySchema, PersonBodySchema
from shop.privacy.holdings import find_person
from shop.privacy.schemas import ReceiptSchema, dump_receipt
from shop.privacy.services import OrderStillOpen, WorksHere, erase_person
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

query, listing, record = PeopleQuerySchema(), CustomerListSchema(), CustomerRecordSchema()
new, change, receipt = NewCustomerSchema(), PersonBodySchema(), ReceiptSchema()
FACTS = ("id", "user_id", "email", "name", "locale", "orders")


@bp.get("/api/v1/customers")
@describe("Customers, newest first", query=query, answer=listing, permission="customers.view")
def list_customers_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_customers(search=asked["q"], cursor=asked["cursor"])
    following = next_url("people.list_customers_json", page.next_cursor, asked)
    return json_response({"items": [_dump(found) for found in page.items], "next": following})


def _dump(customer: Any) -> dict[str, Any]:
    return {**{name: getattr(customer, name) for name in FACTS}, "created_at": customer.created_at.isoformat()}


@bp.post("/api/v1/customers")
@describe(
    "Write a customer without an account down", body=new, answer=record, status=201, permission="customers.edit", errors=[Invalid, Conflict]
)
@idempotent(owner)
def create_customer_json() -> ResponseReturnValue:
    customer_id = create_customer(**load_body(new), at=now())
    return json_response(_record(customer_id), 201, {"Location": url_for("people.show_customer_json", customer_id=customer_id)})


@bp.get("/api/v1/customers/<int:customer_id>")
@describe("One customer with addresses and newest orders", answer=record, permission="customers.view", errors=[NotFound])
def show_customer_json(customer_id: int) -> ResponseReturnValue:
    return json_response(_record(customer_id))


def _record(customer_id: int) -> dict[str, Any]:
    customer = get_customer(customer_id)
    orders = [
        {
            "number": order.number,
            "placed_at": order.placed_at.isoformat(),
            "state": order.state.value,
            "payment_state": order.payment_state.value,
            "total": Money(order.total_minor, order.currency).dump(),
        }
        for order in list_orders_of(customer_id)
    ]
    addresses = [{**values.dump(), "is_default": found.is_default} for found, values in list_addresses_of(customer_id)]
    return {**_dump(customer), "addresses": addresses, "newest_orders": orders}


@bp.patch("/api/v1/customers/<int:customer_id>")
@describe("Change a name or a language", body=change, answer=record, permission="customers.edit", errors=[NotFound, Invalid])
def change_customer_json(customer_id: int) -> ResponseReturnValue:
    change_customer(customer_id, **load_body(change), at=now())
    return json_response(_record(customer_id))


@bp.delete("/api/v1/customers/<int:customer_id>")
@describe(
    "Erase a customer who asked for it; gives the receipt",
    answer=receipt,
    permission="customers.edit",
    errors=[NotFound, OrderStillOpen, WorksHere],
)
def erase_customer_json(customer_id: int) -> ResponseReturnValue:
    reference = erase_person(find_person(customer_id=customer_id), by=current_user.email, at=now())
    return json_response(dump_receipt(reference))
