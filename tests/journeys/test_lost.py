from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.chromium import WIDTHS, Visitor


def test_a_visitor_who_is_lost_finds_the_way_home(page: Page) -> None:
    answer = page.goto("/a-page-that-never-was")

    assert answer is not None
    assert answer.status == 404
    page.locator("main").get_by_role("link").first.click()
    assert page.get_by_role("heading", level=1).is_visible()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_the_lost_fits_every_screen(visitor: Visitor, width: int) -> None:
    page = visitor.open("/a-page-that-never-was", width=width)

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
