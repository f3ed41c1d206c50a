"""All tables together: migrations compare them with the database, and foreign keys find each other."""

import shop.auth.models
import shop.cart.models
import shop.catalog.models
import shop.content.models
import shop.customer.models
import shop.inventory.models
import shop.mail.models
import shop.media.models
import shop.order.models
import shop.outbox.models
import shop.payment.models
import shop.pricing.models
import shop.review.models
import shop.settings.models
import shop.web.models  # noqa: F401
