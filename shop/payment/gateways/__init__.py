"""Ways to pay. Each gateway keeps the contract of ``base``; the shop offers those that the setting ``SHOP_PAYMENT_METHODS`` names."""
