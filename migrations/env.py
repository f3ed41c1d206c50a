"""How a migration meets the database: one step at a time, in batch mode on SQLite, foreign keys off while tables are rebuilt."""

import sys
from pathlib import Path

from alembic import context
from flask import current_app

from shop.db import Base, UtcDateTime

sys.path.insert(0, str(Path(__file__).parent))
from append_only import keep_new_tables

db = current_app.extensions["migrate"].db


def render_item(kind, item, _autogen_context):
    """Write our own types as the plain ones that they are in the database."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run_migrations():
    engine = db.engine
    with engine.connect() as opened:
        connection = opened
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.rollback()
            connection = connection.execution_options(writes=True)
        else:  # a step that waits for a table lets nobody pass behind it: better it fails, and is run again
            connection.exec_driver_sql("SET lock_timeout = '3s'")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_item=render_item,
            render_as_batch=True,
            compare_type=True,
            process_revision_directives=keep_new_tables(Base.metadata),
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        if is_sqlite:
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.rollback()


run_migrations()
