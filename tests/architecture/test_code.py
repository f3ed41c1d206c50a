from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.architecture import rules
from tests.architecture.rules import Module

Rule = Callable[[Module], Iterator[str]]

PLANTED = [
    (rules.writes_stand_in_services, "cart/views.py", "with transaction() as session:\n    pass\n"),
    (rules.writes_stand_in_services, "cart/queries.py", "db.session.add(cart)\n"),
    (rules.writes_stand_in_services, "cart/services.py", "session.commit()\n"),
    (rules.money_is_whole, "pricing/tax.py", "rate = 0.21\n"),
    (rules.money_is_whole, "order/models.py", "paid = float(total)\n"),
    (rules.money_is_whole, "money.py", "half = minor / 2\n"),
    (rules.only_edges_see_the_visitor, "cart/services.py", "from flask import request\n"),
    (rules.only_edges_see_the_visitor, "order/queries.py", "from flask_login import current_user\n"),
    (rules.only_edges_see_the_visitor, "order/models.py", "from shop.clock import now\n"),
    (rules.only_edges_see_the_visitor, "payment/services.py", "at = datetime.now(UTC)\n"),
    (rules.pages_and_json_do_not_mix, "cart/views.py", "from shop.cart import api\n"),
    (rules.pages_and_json_do_not_mix, "cart/api.py", "from shop.cart.views import show\n"),
    (
        rules.a_page_is_called_as_its_template,
        "cart/views.py",
        '@bp.get("/cart")\ndef show():\n    return render_template("cart/page.html")\n',
    ),
    (rules.html_is_made_by_templates, "cart/views.py", 'return Markup(f"<b>{name}</b>")\n'),
    (rules.state_hangs_on_the_application, "cart/queries.py", "@lru_cache\ndef name():\n    return setting('shop.name')\n"),
    (
        rules.state_hangs_on_the_application,
        "cart/queries.py",
        "@cache\ndef a():\n    return b()\n\ndef b():\n    return rows(GOODS)\n",
    ),
    (rules.state_hangs_on_the_application, "cart/queries.py", "_seen = {}\ndef see(key):\n    _seen[key] = 1\n"),
    (rules.state_hangs_on_the_application, "cart/queries.py", "MEMORY = Memory(10)\ndef see(key):\n    MEMORY.put(key, 1)\n"),
    (rules.state_hangs_on_the_application, "cart/queries.py", "count = 0\ndef see():\n    global count\n    count += 1\n"),
    (
        rules.state_hangs_on_the_application,
        "cart/queries.py",
        "class Cart:\n    open = None\n    def see(self):\n        Cart.open = self\n",
    ),
    (
        rules.state_hangs_on_the_application,
        "cart/queries.py",
        "class Cart:\n    kept = []\n    @classmethod\n    def see(cls):\n        cls.kept.append(1)\n",
    ),
    (
        rules.state_hangs_on_the_application,
        "cart/__init__.py",
        "bp = Blueprint('cart', __name__)\ndef init_app(app):\n    bp.before_request(see)\n",
    ),
    (
        rules.state_hangs_on_the_application,
        "cart/__init__.py",
        "from shop.auth.signals import user_logged_in\ndef init_app(app):\n    user_logged_in.connect(join)\n",
    ),
    (rules.state_hangs_on_the_application, "cart/services.py", "def move():\n    os.chdir('/')\n"),
    (rules.files_are_read_in_a_sitting, "cart/services.py", "x = 1\n" * 401),
]


@pytest.mark.parametrize(("rule", "name", "source"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_a_planted_fault_is_found(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Module(name, source)))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    problems = [f"shop/{module.name}:{problem}" for module in rules.modules() for problem in rule(module)]

    assert problems == []


def test_every_rule_was_shown_a_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(rules.RULES)
