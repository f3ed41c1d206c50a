"""Accounts elsewhere with which somebody can sign in here: linking and unlinking them."""
