"""The test bank: a card gateway that takes no money, keeps books of its own, and does on demand what banks do at their worst.

``books`` are its charges, refunds and ledger in an SQLite file; ``server`` puts a hosted page, an HTTP API and signed messages before them
(``flask payment test-gateway``); ``remote`` speaks to that server from the shop. Without a server the shop opens the books itself. The bank knows
nothing of the shop's tables: what stands in its ledger judges what stands in ours.
"""
