"""``python -m tests.backup.dying backup|restore FILE MOMENT``: the very act, in a process that kills itself at that moment.

MOMENT is ``piece:5`` (after so many pieces of the file), ``step:Replacing`` (when that is begun), or ``step:Replacing:0.05`` (so many seconds behind it).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Timer

from shop import create_app
from shop.backup.making import make_backup
from shop.backup.restoring import restore_backup
from shop.clock import now


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Moment:
    def __init__(self, words: str) -> None:
        self.kind, _, rest = words.partition(":")
        self.what, _, after = rest.partition(":")
        self.after_s, self.pieces = float(after or 0), 0

    def tell(self, _more_b: int) -> None:
        self.pieces += 1
        if self.kind == "piece" and self.pieces == int(self.what):
            die()

    def step(self, words: str) -> None:
        if self.kind == "step" and self.what in words:
            Timer(self.after_s, die).start() if self.after_s else die()


def main(act: str, file: str, moment: Moment) -> None:
    app = create_app()
    with app.app_context():
        if act == "backup":
            make_backup(Path(file), create_app, at=now(), tell=moment.tell, step=moment.step)
        else:
            restore_backup(Path(file), create_app, at=now(), force=True, tell=moment.tell, step=moment.step)
    if moment.after_s:
        die()  # it was faster than that


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Moment(sys.argv[3]))
