"""Changing an order that was placed: pieces, goods, address; and words to its customer."""
