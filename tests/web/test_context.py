"""What templates may ask for, and that a merchant's own lie over ours."""

from pathlib import Path


def test_a_merchants_template_lies_over_the_shops_own(app, client):
    own = Path(app.instance_path, "theme", "templates", "errors", "404.html")
    own.parent.mkdir(parents=True, exist_ok=True)
    app.jinja_env.cache.clear()
    own.write_text("Nothing at {{ shop.name }}.")

    page = client.get("/nowhere").text

    own.unlink()
    app.jinja_env.cache.clear()
    assert page == "Nothing at Bodega."
    assert client.get("/nowhere").text != page


def test_every_page_names_itself_in_all_languages(client):
    page = client.get("/es/products").text

    assert '<html lang="es"' in page
    assert 'hreflang="en" href="http://127.0.0.1:8000/products"' in page
    assert 'hreflang="es" href="http://127.0.0.1:8000/es/products"' in page
