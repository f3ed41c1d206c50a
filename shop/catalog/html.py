"""The HTML that a description may hold. Everything else is taken out when it is written, so that pages can show it as it is."""

from __future__ import annotations

import re
from html import escape

TAGS = {
    *("p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "div", "span"),
    *("ul", "ol", "li", "dl", "dt", "dd"),
    *("strong", "b", "em", "i", "u", "s", "small", "sub", "sup", "code", "abbr", "a"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "th": {"colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
}
GONE_WITH_CONTENT = {"script", "style", "iframe", "object", "embed", "noscript", "template", "svg", "math", "title", "textarea", "select"}
SCHEMES = {"http", "https", "mailto", "tel"}

MARKUP = re.compile(
    r"</?(?:p|br|div|span|ul|ol|li|h[1-6]|strong|em|b|i|a|table|img|script|style|iframe|meta|blockquote|font)\b[^>]*>", re.IGNORECASE
)
FIRST_HEADINGS = re.compile(r"(</?)h1\b", re.IGNORECASE)
PARAGRAPHS = re.compile(r"\n\s*\n")


def sanitize_html(html: str) -> str:
    """What may stay of ``html``; headings begin at the second level, for the page has the first. The same in gives the same out, also twice."""
    if not html:
        return ""
    import nh3  # pages show what was cleaned when it was written

    return nh3.clean(
        FIRST_HEADINGS.sub(r"\1h2", html),
        tags=TAGS,
        attributes=ATTRIBUTES,
        clean_content_tags=GONE_WITH_CONTENT,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer",
        strip_comments=True,
    ).strip()


def describe_html(text: str) -> str:
    """A description from elsewhere: HTML is sanitized, plain text becomes paragraphs."""
    if MARKUP.search(text):
        return sanitize_html(text)
    parts = (part.strip() for part in PARAGRAPHS.split(text))
    return "".join(f"<p>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts if part)
