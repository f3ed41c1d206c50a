"""What pages are made of: prices, fields, errors, crumbs; each a pure function of its arguments."""

import re
from types import SimpleNamespace

import pytest
import wtforms
from markupsafe import Markup
from wtforms.validators import InputRequired

from shop.money import Money
from shop.web.locale import speaking


class Address(wtforms.Form):
    postcode = wtforms.StringField("Postcode", [InputRequired("Write a postcode")])


class Checkout(wtforms.Form):
    email = wtforms.StringField("E-mail", [InputRequired("Write an e-mail address")])
    note = wtforms.TextAreaField("A note")
    address = wtforms.FormField(Address)
    delivery = wtforms.RadioField("Delivery", [InputRequired("Choose one")], choices=[("parcel", "Parcel"), ("counter", "At the counter")])
    terms = wtforms.BooleanField("I agree", [InputRequired("Tick the box")])
    secret = wtforms.HiddenField("", [InputRequired("The page was open too long")])


@pytest.fixture
def render(app):
    """Renders a call of a macro: ``render("price.html", "price(x)", x=…)``."""

    def render_call(file: str, call: str, **values: object) -> str:
        name = call.partition("(")[0]
        template = app.jinja_env.from_string(f'{{% from "macros/{file}" import {name} %}}{{{{ {call} }}}}')
        return template.render(**values)

    with app.test_request_context("/"):
        yield render_call


@pytest.fixture
def wrong():
    form = Checkout(data={"email": ""})
    form.validate()
    return form


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_price_is_read_by_people_and_machines(render):
    html = render("price.html", "price(amount)", amount=Money(199900, "EUR"))

    assert html == '<data value="1999.00">€1,999.00</data>'


def test_a_reduced_price_says_which_is_which_to_those_who_cannot_see_the_line(render):
    html = render("price.html", "price(amount, before)", amount=Money(1450, "EUR"), before=Money(1600, "EUR"))

    assert text_of(html) == "Now €14.50 before €16.00"
    assert "<s><data" in html


@pytest.mark.parametrize("before", [None, Money(1450, "EUR"), Money(1400, "EUR")])
def test_a_price_that_did_not_fall_shows_no_other(render, before):
    html = render("price.html", "price(amount, before)", amount=Money(1450, "EUR"), before=before)

    assert text_of(html) == "€14.50"


def test_the_cheapest_of_several_is_a_from_price_and_its_markup_survives_translation(render):
    html = render("price.html", "price(amount, from_=true)", amount=Money(123456700, "JPY"))

    assert text_of(html) == "from ¥123,456,700"
    assert '<data value="123456700">' in html


def test_a_price_follows_the_language(render):
    with speaking("es"):
        html = render("price.html", "price(amount)", amount=Money(1450, "EUR"))

    assert text_of(html) == "14,50 €"


def test_a_field_joins_label_hint_error_and_box(render, wrong):
    html = render("form.html", 'field(f, "For the confirmation", autocomplete="email")', f=wrong.email)

    assert html.index("<label") < html.index('id="email-hint"') < html.index('id="email-error"') < html.index("<input")
    assert 'aria-describedby="email-hint email-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'autocomplete="email"' in html
    assert 'class="input"' in html


def test_a_field_without_a_problem_says_nothing_of_one(render):
    html = render("form.html", "field(f)", f=Checkout().note)

    assert "aria-" not in html
    assert "error" not in html
    assert "(optional)" in html


def test_what_was_typed_is_escaped_and_kept(render):
    form = Checkout(data={"email": '"><script>x'})

    html = render("form.html", "field(f)", f=form.email)

    assert "<script>" not in html
    assert 'value="&#34;&gt;&lt;script&gt;x"' in html


def test_the_error_summary_links_to_every_wrong_field_also_within_others(render, wrong):
    html = render("form.html", "error_summary(form)", form=wrong)

    assert re.findall(r'href="#([^"]*)"', html) == ["email", "address-postcode", "delivery-0", "terms"]
    assert "5 things to look at" in html
    assert "The page was open too long" in html


def test_the_targets_of_the_summary_exist(render, wrong):
    html = "".join(render("form.html", "field(f)", f=f) for f in (wrong.email, wrong.address.form.postcode, wrong.delivery, wrong.terms))

    for target in ("email", "address-postcode", "delivery-0", "terms"):
        assert html.count(f'id="{target}"') == 1


def test_a_form_without_a_problem_has_no_summary(render):
    assert render("form.html", "error_summary(form)", form=Checkout()) == ""
    assert render("form.html", "error_title(form)", form=Checkout()) == ""


def test_one_problem_is_said_in_the_singular(render):
    form = wtforms.Form()
    form.form_errors.append("The cart is empty")

    assert text_of(render("form.html", "error_summary(form)", form=form)) == "One thing to look at The cart is empty"


def test_a_quantity_keeps_what_was_typed(render):
    html = render("form.html", 'stepper(value="2,5", error="Write a whole number")')

    assert 'value="2,5"' in html
    assert 'aria-describedby="quantity-error"' in html


def test_the_last_crumb_is_the_page_itself(render):
    html = render("nav.html", 'crumbs([("Table", "/c/table"), ("Mug", none)])')

    assert '<a href="/c/table">Table</a>' in html
    assert '<li aria-current="page">Mug</li>' in html


def test_one_page_is_all_needs_no_way_on(render):
    assert render("nav.html", "pages(none, none)") == ""


def test_a_second_page_leads_both_ways(render):
    html = render("nav.html", 'pages("/a?cursor=1&x=2", "/b")')

    assert 'rel="prev" href="/a?cursor=1&amp;x=2"' in html
    assert 'rel="next" href="/b"' in html


def test_a_notice_takes_text_and_never_markup_from_a_stranger(render):
    assert "&lt;b&gt;" in render("notice.html", 'notice("good", text)', text="<b>")
    assert "<b>" in render("notice.html", 'notice("good", text)', text=Markup("<b>"))


def test_stars_say_in_words_what_they_show(render):
    html = render("review.html", "stars(3.7)")

    assert 'aria-label="3.7 of 5 stars"' in html
    assert html.count("<use") == 5
    assert html.count("empty") == 1


def test_the_sums_of_an_order_mix_money_and_words(render):
    html = render(
        "order.html", 'sums([("Goods", amount, ""), ("Delivery", "Free", ""), ("Total", amount, "all")])', amount=Money(2900, "EUR")
    )

    assert text_of(html) == "Goods €29.00 Delivery Free Total €29.00"
    assert 'class="sums__all"' in html


def test_a_timeline_marks_where_it_stands(render):
    html = render("order.html", 'timeline([("done", "Ordered", "today"), ("now", "Packed", ""), ("next", "Sent", "")])')

    assert html.count("aria-current") == 1
    assert text_of(html) == "Ordered , done today Packed Sent"


def test_a_good_without_a_picture_gets_a_calm_tile(render):
    good = SimpleNamespace(
        url="/p/x",
        name="A & B",
        note="",
        image=None,
        hover=None,
        price=Money(1, "EUR"),
        compare_at=None,
        is_from=False,
        colors=(),
        stock_note="",
        is_sold_out=True,
    )

    html = render("card.html", "card(good)", good=good)

    assert "no-picture" in html
    assert "A &amp; B" in html
    assert "Sold out" in html


def test_icons_point_into_the_one_sprite(render, app):
    html = render("icon.html", 'icon("cart")')

    sprite = app.extensions["assets"].text("icons/sprite.svg")
    assert f'href="{app.extensions["assets"].url("icons/sprite.svg")}#i-cart"' in html
    assert 'id="i-cart"' in sprite
