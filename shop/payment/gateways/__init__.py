"""Ways to pay. Each gateway keeps the contract of ``base``; the shop offers those that the setting ``SHOP_PAYMENT_METHODS`` names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Flask

from shop.payment.gateways.base import Gateway

if TYPE_CHECKING:
    from config import Config


def init_app(app: Flask) -> None:
    """Make the gateways that the settings name; a gateway's library is loaded when it is first needed."""
    config: Config = app.extensions["config"]
    makers: dict[str, Callable[[Config], Gateway]] = {"bank_transfer": _bank, "test_card": _test_card, "stripe": _stripe}
    app.extensions["gateways"] = {code: makers[code](config) for code in config.payment_methods}


def _bank(config: Config) -> Gateway:
    from shop.payment.gateways.manual import BankTransfer

    return BankTransfer(config.bank_account)


def _test_card(config: Config) -> Gateway:
    """By its server where one is named, else with the books opened here."""
    from shop.payment.gateways.test_card import Bank, TestCard
    from shop.payment.test_bank.books import TestBank
    from shop.payment.test_bank.remote import RemoteBank

    url = config.test_gateway_url
    bank: Bank = RemoteBank(url, timeout_s=config.payment_timeout_s) if url else TestBank(config.instance / "test-bank.db")
    at_once = config.test_gateway_capture == "automatic"
    return TestCard(bank, secrets=config.test_gateway_secrets, captures_at_once=at_once, origin=url)


def _stripe(config: Config) -> Gateway:
    from shop.payment.gateways.stripe import StripeCard
    from shop.payment.gateways.stripe_settings import StripeSettings

    return StripeCard(StripeSettings.of(config))
