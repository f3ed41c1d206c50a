"""A shop in one file: ``flask shop backup``, ``restore`` and ``verify``.

The file is a plain tar: a manifest, the database as a SQLite file whatever database the shop has, the pictures, the theme, and the SHA-256 of each.
So a backup of a laptop opens on a server with PostgreSQL, and the other way round. Nothing here is asked for by a page.
"""


class BackupProblem(Exception):
    """It cannot be done; the message says why and what to do. What was there before is as it was, unless the message says otherwise."""
