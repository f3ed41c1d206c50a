"""Money that came in by bank: the bank's list is read (``files``), matched with orders (``services``), and what fits none waits for a person."""
