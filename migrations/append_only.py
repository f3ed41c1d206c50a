"""``op.keep_rows("entries")``: from now on the database refuses to change or delete a row of that table.

``flask db revision --autogenerate`` writes these lines by itself for each new table whose ``info`` says ``append_only`` (see ``env.py``). A row that
goes with another (``goes_with=("variant_id", "variants")``) may be deleted together with it. Batch mode on SQLite rebuilds a table without its
triggers: such a step calls ``op.keep_rows`` again.
"""

from alembic.autogenerate import renderers
from alembic.operations import MigrateOperation, Operations, ops


@Operations.register_operation("keep_rows")
class KeepRows(MigrateOperation):
    def __init__(self, table, goes_with=None):
        self.table, self.goes_with = table, goes_with

    @classmethod
    def keep_rows(cls, operations, table, goes_with=None):
        return operations.invoke(cls(table, goes_with))

    def reverse(self):
        return ReleaseRows(self.table)


@Operations.register_operation("release_rows")
class ReleaseRows(MigrateOperation):
    def __init__(self, table):
        self.table = table

    @classmethod
    def release_rows(cls, operations, table):
        return operations.invoke(cls(table))

    def reverse(self):
        return KeepRows(self.table)


@Operations.implementation_for(KeepRows)
def keep_rows(operations, operation):
    table, said = operation.table, f"rows of {operation.table} never change"
    if operations.get_bind().dialect.name == "sqlite":
        stays = f"WHEN {_is_there(operation)}" if operation.goes_with else ""
        operations.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{said}'); END")
        operations.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {stays} BEGIN SELECT RAISE(ABORT, '{said}'); END")
        return
    passes = ""
    if operation.goes_with:
        passes = f"IF TG_OP = 'DELETE' AND NOT {_is_there(operation)} THEN RETURN OLD; END IF;"
    refuse = f"RAISE EXCEPTION '{said}' USING ERRCODE = 'restrict_violation';"
    operations.execute(f"CREATE FUNCTION {table}_stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {passes} {refuse} END $$")
    operations.execute(f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_stay()")
    operations.execute(f"CREATE FUNCTION {table}_stay_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse} END $$")
    operations.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION {table}_stay_all()")


def _is_there(operation):
    """Is the row that it goes with still there?"""
    column, parent = operation.goes_with
    return f"EXISTS (SELECT 1 FROM {parent} WHERE id = OLD.{column})"  # noqa: S608 - names from a migration


@Operations.implementation_for(ReleaseRows)
def release_rows(operations, operation):
    table = operation.table
    if operations.get_bind().dialect.name == "sqlite":
        operations.execute(f"DROP TRIGGER {table}_no_update")
        operations.execute(f"DROP TRIGGER {table}_no_delete")
        return
    operations.execute(f"DROP FUNCTION {table}_stay() CASCADE")
    operations.execute(f"DROP FUNCTION {table}_stay_all() CASCADE")


@renderers.dispatch_for(KeepRows)
def _render_keep(_context, operation):
    more = f", goes_with={operation.goes_with!r}" if operation.goes_with else ""
    return f"op.keep_rows({operation.table!r}{more})"


@renderers.dispatch_for(ReleaseRows)
def _render_release(_context, operation):
    return f"op.release_rows({operation.table!r})"


def keep_new_tables(metadata):
    """A hook for autogenerate: after the tables that it creates, the lines that keep their rows."""

    def add(_context, _revision, directives):
        for script in directives:
            made = {made.table_name for made in _creations(script.upgrade_ops)}
            for table in metadata.sorted_tables:
                if table.name in made and table.info.get("append_only"):
                    script.upgrade_ops.ops.append(KeepRows(table.name, table.info.get("goes_with")))
                    script.downgrade_ops.ops.insert(0, ReleaseRows(table.name))

    return add


def _creations(container):
    for operation in container.ops:
        if isinstance(operation, ops.CreateTableOp):
            yield operation
        elif hasattr(operation, "ops"):
            yield from _creations(operation)
