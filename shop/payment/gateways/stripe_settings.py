"""How this shop talks to Stripe. Kept apart from the adapter, whose library is loaded only when the first card is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """``is_hosted``: the customer pays on Stripe's page; else in Stripe's element on a page of ours. Secrets never show when it is printed."""

    secret_key: str
    publishable_key: str
    webhook_secrets: tuple[str, ...]
    captures_at_once: bool
    is_hosted: bool
    api_base: str
    timeout_s: int

    @property
    def is_live(self) -> bool:
        return "_live_" in self.secret_key

    def __repr__(self) -> str:
        return f"StripeSettings(is_live={self.is_live}, is_hosted={self.is_hosted})"

    @classmethod
    def of(cls, config: Config) -> StripeSettings:
        return cls(
            secret_key=config.stripe_secret_key,
            publishable_key=config.stripe_publishable_key,
            webhook_secrets=config.stripe_webhook_secrets,
            captures_at_once=config.stripe_capture == "automatic",
            is_hosted=config.stripe_page == "hosted",
            api_base=config.stripe_api_base,
            timeout_s=config.payment_timeout_s,
        )
