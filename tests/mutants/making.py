"""Making mutants of a module: each differs from it in one small thing that a tired person could write."""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BINARY = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
COMPARED = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
CALLED = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "sum": "max"}


@dataclass(frozen=True)
class Mutant:
    """A module with one change. ``name`` stays the same as long as the changed statement does."""

    path: Path
    line: int
    was: str
    now: str
    number: int
    tree: ast.Module
    statement: ast.stmt
    changed: ast.stmt

    @property
    def module(self) -> str:
        return self.path.stem

    @cached_property
    def source(self) -> str:
        return ast.unparse(_with(self.tree, self.statement, self.changed))

    @property
    def name(self) -> str:
        digest = hashlib.sha256(f"{self.was}|{self.now}|{self.number}".encode()).hexdigest()[:8]
        return f"{self.module}:{digest}"

    def __str__(self) -> str:
        return f"{self.name}  line {self.line}: {self.was}  →  {self.now}"


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a module; the same file gives the same ones."""
    tree = ast.parse(path.read_text())
    found: list[Mutant] = []
    seen: dict[tuple[str, str], int] = {}
    for statement in _statements(tree):
        for was, now, changed in _changes(statement):
            place = statement.lineno
            number = seen[was, now] = seen.get((was, now), -1) + 1
            found.append(Mutant(path, place, was, now, number, tree, statement, changed))
    return found


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that compute something: no imports, docstrings, or names of types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Return | ast.Assign | ast.AugAssign | ast.If | ast.For | ast.While | ast.Expr | ast.AnnAssign):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if not is_text and getattr(node, "value", node) is not None:
                yield node


def _changes(statement: ast.stmt) -> Iterator[tuple[str, str, ast.stmt]]:
    """(was, now, the changed statement) for each expression of its own, not of the statements inside it."""
    for at, node in enumerate(_own(statement)):
        for change in _ways(node):
            changed = copy.deepcopy(statement)
            target = list(_own(changed))[at]
            fresh = change(target)
            if fresh is not target:
                _replace(changed, target, fresh)
            yield _short(node), _short(fresh), changed
    if isinstance(statement, ast.If):
        for value in (True, False):
            changed = copy.deepcopy(statement)
            changed.test = ast.Constant(value)
            yield f"if {_short(statement.test)}", f"if {value}", changed


def _own(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement, its annotations and inner statements left out; ``strict=True`` guards, it computes nothing."""
    pending: list[ast.AST] = []
    skipped = {id(one.value) for one in ast.walk(statement) if isinstance(one, ast.keyword) and one.arg == "strict"}
    for name, value in ast.iter_fields(statement):
        if name in {"annotation", "body", "orelse", "target", "targets"}:
            continue
        pending += value if isinstance(value, list) else [value] if isinstance(value, ast.AST) else []
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.expr) and id(node) not in skipped:
            yield node
        pending += list(ast.iter_child_nodes(node))


def _ways(node: ast.expr):  # type: ignore[no-untyped-def] # noqa: C901, PLR0912 - one kind of change after the other
    """Functions that change a copy of the node and give what shall stand in its place."""
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        yield lambda copied: _set(copied, op=BINARY[type(copied.op)]())
    if isinstance(node, ast.Compare):
        for other in COMPARED.get(type(node.ops[0]), ()):
            yield lambda copied, other=other: _set(copied, ops=[other(), *copied.ops[1:]])
    if isinstance(node, ast.BoolOp):
        yield lambda copied: _set(copied, op=ast.Or() if isinstance(copied.op, ast.And) else ast.And())
    if isinstance(node, ast.UnaryOp):
        yield lambda copied: copied.operand
    if isinstance(node, ast.IfExp):
        yield lambda copied: copied.body
        yield lambda copied: copied.orelse
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield lambda copied: _set(copied, value=copied.value + 1)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield lambda copied: _set(copied, value=not copied.value)
    if isinstance(node, ast.Constant) and type(node.value) is str and node.value:
        yield lambda copied: _set(copied, value=copied.value + "X")
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in CALLED and not (node.func.id == "sum" and len(node.args) != 1):
            yield lambda copied: _set(copied, func=ast.Name(CALLED[copied.func.id], ast.Load()))
        for at in (at for at, keyword in enumerate(node.keywords) if keyword.arg != "strict"):
            yield lambda copied, at=at: _set(copied, keywords=[*copied.keywords[:at], *copied.keywords[at + 1 :]])
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) and node.generators[0].ifs:
        yield lambda copied: (_set(copied.generators[0], ifs=[]), copied)[1]


def _set(node, **values):  # type: ignore[no-untyped-def]
    for name, value in values.items():
        setattr(node, name, value)
    return node


def _replace(statement: ast.stmt, old: ast.AST, fresh: ast.AST) -> None:
    for node in ast.walk(statement):
        for name, value in ast.iter_fields(node):
            if value is old:
                setattr(node, name, fresh)
            elif isinstance(value, list) and any(one is old for one in value):
                value[:] = [fresh if one is old else one for one in value]


def _with(tree: ast.Module, statement: ast.stmt, changed: ast.stmt) -> ast.Module:
    """The module with the changed statement in place of the other."""
    at = next(number for number, node in enumerate(ast.walk(tree)) if node is statement)
    whole = copy.deepcopy(tree)
    _replace_in(whole, next(node for number, node in enumerate(ast.walk(whole)) if number == at), changed)
    return ast.fix_missing_locations(whole)


def _replace_in(whole: ast.Module, old: ast.AST, fresh: ast.AST) -> None:
    for node in ast.walk(whole):
        for value in (values for _, values in ast.iter_fields(node) if isinstance(values, list)):
            for at, one in enumerate(value):
                if one is old:
                    value[at] = fresh
                    return


def _short(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 90 else f"{text[:87]}…"
