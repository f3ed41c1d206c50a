"""My data: what the shop knows of me, what I agreed to, and erasing it."""
