"""Proof under fire: real servers that are killed, statements that fail, buyers who race; afterwards the audit and the bank's ledger are the judges.

Short in `make test`, in full by `make fire` (``FIRE=full``). Each judge finds a planted fault first.
"""
