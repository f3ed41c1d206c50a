"""Tokens for programs that act for a person: a signed one for a few minutes, and one with which to ask for the next.

Every log-in by a program is a row of ``login_sessions`` like that of a browser: it stands in the list of devices, and whatever ends a browser's
session (log-out, lock, another password or role) ends the tokens at once. Keys for programs of the shop itself are in ``keys``.
"""
