"""The rules about Python code: each takes one module and names what is wrong in it, by line."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "shop"
LONGEST = 400

# Where a visitor's request meets the shop: only these may ask who is there, what was sent and what time it is.
EDGES = {"views", "api", "api_staff", "admin", "cli"}
EDGE_FOLDERS = {"web", "admin", "demo", "observe"}
EDGE_FILES = {
    "auth/current.py",
    "auth/door.py",
    "auth/oidc/visiting.py",
    "account/security/proof.py",
    "cart/current.py",
    "health.py",
    "retailer/door.py",
    "clock.py",
    "payment/test_bank/server.py",
    "payment/test_bank/messages.py",
}
# Who wakes by itself, or acts between two moments of its own, looks at the clock: everybody else is told the time.
CLOCKS = {
    "doctor/house.py": "compares this machine's clock with the database's",
    "doctor/front.py": "compares this machine's clock with that of who answers at SHOP_URL",
    "outbox/courier.py": "a courier wakes by itself",
    "outbox/worker.py": "a worker is a courier",
    "payment/tasks.py": "works when an event is delivered, not when it happened",
    "audit/tasks.py": "the audit that was asked for looks at the shop as it is when it runs",
    "analytics/services.py": "a batch says when it was read, which a long export must not say of its begin",
    "webhook/delivering.py": "signs with the moment at which it sends, and logs when the answer came",
    "mail/services.py": "when the mail server was asked, and when it answered",
}

MAKES_HTML: dict[str, str] = {
    "catalog/cards.py": "joins cards that the macro rendered",
    "catalog/details.py": "the description, sanitized when it was written",
    "catalog/seo.py": "JSON-LD with < > & escaped",
    "content/queries.py": "the text of a page, sanitized when it was written",
    "web/locale.py": "our own words; what is put into them is escaped",
    "web/frame.py": "header and foot, rendered by their templates",
    "web/remembered.py": "marks where a kept page is filled, which nobody else can write",
    "catalog/browsing.py": "cards that the macro rendered, joined",
}

# Several shops live in one process: what is kept on a module must be the same for all of them.
ASKS_THE_SHOP = {"current_app", "g", "request", "session", "current_user", "db", "row", "rows", "scalar", "connection", "transaction"}
ASKS_THE_SHOP |= {"is_sqlite", "insert_into", "setting", "named_settings", "shop_texts", "kept", "current_locale", "absolute_url"}
ASKS_THE_SHOP |= {"gettext", "ngettext", "_", "now"}
SAME_FOR_ALL = {
    "customer/services.py: _statement": "a statement per kind of database, which is part of the key",
    "order/placing.py: _statement": "a statement per kind of database, which is part of the key",
    "audit/rules.py: RULES": "filled while the modules of rules are imported",
    "cli.py: shop_commands": "the same command each time",
    "observe/scrub.py: _secrets": "the process has one log, which may hold the secret of no shop",
}
CONTAINERS = {
    "dict",
    "list",
    "set",
    "defaultdict",
    "deque",
    "Counter",
    "OrderedDict",
    "WeakKeyDictionary",
    "WeakValueDictionary",
    "Memory",
    "Kept",
}
CHANGES = {
    "append",
    "add",
    "update",
    "pop",
    "popitem",
    "clear",
    "setdefault",
    "extend",
    "insert",
    "remove",
    "discard",
    "put",
    "add_command",
}
CHANGES |= {"add_url_rule", "before_request", "after_request", "register_blueprint", "record"}

# Who asks and shows, and so never writes: what writes is called by them, and stands in services or beside them.
READERS = EDGES | {"queries", "forms", "schemas", "models", "messages", "current"}
MONEY = {"money.py", "pricing", "cart", "order", "payment", "checkout"}


@dataclass(frozen=True)
class Module:
    """One file: ``name`` is its path below ``shop/``, such as ``cart/views.py``."""

    name: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def parts(self) -> tuple[str, ...]:
        return Path(self.name).with_suffix("").parts

    def is_one_of(self, words: set[str]) -> bool:
        """Is the file, or a folder that it lies in, called one of these?"""
        return bool(words & {*self.parts, *Path(self.name).parts, self.name})

    def imports(self) -> Iterator[tuple[int, str, str]]:
        """Each imported thing as line, module, name; ``import x`` has the name ``""``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, "." * node.level + (node.module or ""), alias.name) for alias in node.names)
            elif isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name, "") for alias in node.names)

    def calls(self) -> Iterator[tuple[int, str, str]]:
        """Each call as line, last word of its owner, verb: ``db.session.commit()`` gives ``session``, ``commit``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node.lineno, last_word(getattr(node.func, "value", None)), last_word(node.func)


def last_word(node: ast.AST | None) -> str:
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word):
            return word
        case ast.Call(func=called):
            return last_word(called)
    return ""


def modules(folder: Path = SHOP) -> list[Module]:
    return [Module(path.relative_to(folder).as_posix(), path.read_text("utf-8")) for path in sorted(folder.rglob("*.py"))]


def writes_stand_in_services(module: Module) -> Iterator[str]:
    """No page, query, form or model opens ``transaction()`` or changes a row; nobody at all commits or rolls back by hand."""
    if module.name == "db.py":
        return
    is_reader = module.is_one_of(READERS)
    for line, owner, verb in module.calls():
        if verb in {"commit", "rollback"} and owner in {"session", "db", "connection"}:
            yield f"{line}: {owner}.{verb}() by hand; transaction() does it"
        if is_reader and verb == "transaction":
            yield f"{line}: opens a transaction; call a service"
        if is_reader and owner == "session" and verb in {"add", "add_all", "delete", "merge", "flush"}:
            yield f"{line}: session.{verb}(); call a service"


def money_is_whole(module: Module) -> Iterator[str]:
    """No float comes near money: neither the word, nor a literal, nor a true division."""
    if not module.is_one_of(MONEY):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{node.lineno}: the float {node.value}"
        elif isinstance(node, ast.Name) and node.id == "float":
            yield f"{node.lineno}: float"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and module.is_one_of({"money.py", "pricing"}):
            yield f"{node.lineno}: / makes floats of whole numbers; use // with a named rounding, or Decimal's own methods"


def only_edges_see_the_visitor(module: Module) -> Iterator[str]:
    """Everything below the views gets ``by=`` and ``at=`` handed in; it never asks for the user, the request or the clock."""
    if module.is_one_of(EDGE_FILES | EDGE_FOLDERS | EDGES):
        return
    for line, source, name in module.imports():
        if source == "flask" and name in {"request", "session"}:
            yield f"{line}: imports flask.{name}"
        if source == "flask_login" and name == "current_user":
            yield f"{line}: imports current_user"
        if source in {"shop.clock", "shop"} and name in {"now", "clock"} and module.name not in CLOCKS:
            yield f"{line}: reads the clock; take at= instead"
    for line, owner, verb in module.calls():
        if owner in {"datetime", "date"} and verb in {"now", "utcnow", "today"}:
            yield f"{line}: reads the clock; take at= instead"


def pages_and_json_do_not_mix(module: Module) -> Iterator[str]:
    """``views`` and ``api`` call the same services and never each other."""
    other = {"views": "api", "api": "views"}.get(module.parts[-1])
    for line, source, name in module.imports():
        if other and (name == other or source.endswith(f".{other}")):
            yield f"{line}: {module.parts[-1]} imports {other}"


def a_page_is_called_as_its_template(module: Module) -> Iterator[str]:
    """``catalog.show_product`` shows ``catalog/show_product.html``: whoever knows one of the names knows the others."""
    if module.parts[-1] != "views":
        return
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and any(last_word(decorator) == "get" for decorator in node.decorator_list):
            shown = {call.args[0].value for call in ast.walk(node) if is_rendering(call)}
            wanted = f"{module.parts[0]}/{node.name}.html"
            if shown and wanted not in shown:
                yield f"{node.lineno}: {node.name} shows {', '.join(sorted(shown))} instead of {wanted}"


def is_rendering(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and last_word(node.func) == "render_template" and isinstance(node.args[0], ast.Constant)


def html_is_made_by_templates(module: Module) -> Iterator[str]:
    """Templates escape what they are given; ``Markup`` would let it through."""
    for line, _, verb in module.calls():
        if verb == "Markup" and module.name not in MAKES_HTML:
            yield f"{line}: Markup() without a reason in MAKES_HTML"


def files_are_read_in_a_sitting(module: Module) -> Iterator[str]:
    length = module.source.count("\n")
    if length > LONGEST:
        yield f"{length} lines; more than {LONGEST} are no longer read"


def state_hangs_on_the_application(module: Module) -> Iterator[str]:
    """No module, class or cached function keeps what belongs to one shop; no signal is heard, and no event listened to, for all shops at once."""
    yield from _caches_of_one_shop(module)
    yield from _kept_on_modules(module)
    for line, owner, verb in module.calls():
        call = next(
            node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and node.lineno == line and last_word(node.func) == verb
        )
        if verb == "connect" and owner in _signals(module) and len(call.args) + len(call.keywords) < 2:
            yield f"{line}: hears {owner} of every shop; name the application as its sender"
        if verb in {"chdir", "putenv", "setlocale", "tzset"}:
            yield f"{line}: {verb}() changes the process for every shop"


def _signals(module: Module) -> set[str]:
    """The names of signals that the module imports or makes."""
    imported = {
        name for _, source, name in module.imports() if source.endswith("signals") or (source == "flask" and name.startswith(SIGNALS))
    }
    made = {
        last_word(node.targets[0]) for node in ast.walk(module.tree) if isinstance(node, ast.Assign) and is_call(node.value, {"signal"})
    }
    return imported | made


SIGNALS = ("request_", "template_", "appcontext_", "got_request", "message_flashed")


def is_call(node: ast.AST | None, words: set[str]) -> bool:
    return isinstance(node, ast.Call) and last_word(node.func) in words


def _caches_of_one_shop(module: Module) -> Iterator[str]:
    functions = {node.name: node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    for name, node in functions.items():
        is_kept = any(
            last_word(mark.func if isinstance(mark, ast.Call) else mark) in {"cache", "lru_cache"} for mark in node.decorator_list
        )
        asked = _asked_by(node, functions, set()) & ASKS_THE_SHOP
        if is_kept and asked and f"{module.name}: {name}" not in SAME_FOR_ALL:
            yield f"{node.lineno}: {name} is remembered for all shops and asks one: {', '.join(sorted(asked))}"


def _asked_by(node: ast.AST, functions: dict[str, ast.FunctionDef], seen: set[str]) -> set[str]:
    """The names that a function uses, those of functions of its module that it calls included."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - _bound_in(node)
    for name in names & functions.keys() - seen:
        seen.add(name)
        names = names | _asked_by(functions[name], functions, seen)
    return names


def _bound_in(node: ast.AST) -> set[str]:
    """The names that a function gives by itself."""
    stored = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return stored | {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}


def _kept_on_modules(module: Module) -> Iterator[str]:
    """A function that changes what a module or a class holds."""
    held = set(_containers(module.tree.body))
    classes = {node.name: set(_containers(node.body)) for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)}
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        own = _bound_in(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Global) and not all(f"{module.name}: {name}" in SAME_FOR_ALL for name in node.names):
                yield f"{node.lineno}: global {', '.join(node.names)}"
            for target in _changed(node):
                name = last_word(target)
                on_module = isinstance(target, ast.Name) and name in held - own
                on_class = isinstance(target, ast.Attribute) and _is_of_class(target, classes)
                if (on_module or on_class) and f"{module.name}: {name}" not in SAME_FOR_ALL:
                    yield f"{node.lineno}: changes {name}, which all shops share; hang it on app.extensions"


def _containers(body: list[ast.stmt]) -> Iterator[str]:
    """The names that hold something that can be changed."""
    for node in body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        value = getattr(node, "value", None)
        is_container = isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp)
        if isinstance(target, ast.Name) and (is_container or is_call(value, CONTAINERS | {"Blueprint", "AppGroup", "Group"})):
            yield target.id


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement changes in place: the owner of ``x[…] =``, ``del x[…]``, ``x.append(…)``, and ``Class.x =``."""
    targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target] if isinstance(node, ast.AugAssign) else []
    for target in targets:
        if isinstance(target, ast.Subscript):
            yield target.value
        elif isinstance(target, ast.Attribute):
            yield target
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGES:
        yield node.func.value


def _is_of_class(target: ast.Attribute, classes: dict[str, set[str]]) -> bool:
    owner = last_word(target.value)
    is_assigned = isinstance(target.ctx, ast.Store)
    return owner in {*classes, "cls"} and (is_assigned or target.attr in set().union(*classes.values()))


RULES = [
    state_hangs_on_the_application,
    writes_stand_in_services,
    money_is_whole,
    only_edges_see_the_visitor,
    pages_and_json_do_not_mix,
    a_page_is_called_as_its_template,
    html_is_made_by_templates,
    files_are_read_in_a_sitting,
]
