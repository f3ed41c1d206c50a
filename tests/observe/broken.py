"""The shop with a page that breaks over what it was sent, as a fault of ours would."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from wsgi import app


@app.post("/broken/<token>")
def break_down(token: str) -> ResponseReturnValue:
    raise ValueError(
        f"no idea what {request.form.to_dict()} with {request.args.to_dict()} of {token} from {request.headers.get('User-Agent')} means"
    )
