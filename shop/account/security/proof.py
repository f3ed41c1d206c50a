"""Before a change that a borrowed device must not make: the password once more, at most every quarter of an hour."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from shop.auth.current import is_proven, require_login

P = ParamSpec("P")


def proof_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Decorate a page for somebody who showed a moment ago who they are; others do so first and come back. What they had sent is not done."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        require_login()
        if is_proven():
            return view(*args, **kwargs)
        target = request.script_root + request.path if request.method == "GET" else url_for("account.show_security")
        return redirect(url_for("account.prove", next=target), 303)

    return guarded
