"""`make mutants`: break the rules of prices and taxes in one place after the other, and see a test fail each time.

python -m tests.mutants [--minutes N] [--jobs N] [--only module,…] [--one module:number]

Each mutant is one changed operator, number, comparison, condition, argument or text of a pure module. A child process takes the module's changed
source in place of the file and runs the tests of the rules until one fails; nothing is written to disk. Survivors that ``SPARED`` argues for are
counted apart: they do not change what the rules say. The order is shuffled by a fixed seed, so a run that time cuts short is a fair sample.
Exit 1 when fewer than 95 of 100 die, or a survivor is neither killed nor argued for.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import random
import resource
import select
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.making import Mutant, mutants_of
from tests.mutants.spared import SPARED

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("goods", "promotions", "bargains", "discounts", "rounding", "taxing", "quote", "trace", "tax", "delivery")
TESTS = ("discounts", "examples", "taxing", "trace", "quote", "properties")
TESTS_OF = {"tax": ("tax",), "delivery": ("delivery", "obstacles", "discounts", "quote")}
MOST_CPU_S = 40
SEED = 7


@dataclass
class Running:
    """A child that runs the tests against one mutant."""

    mutant: Mutant
    process: int


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--one", default="")
    wished = parser.parse_args()
    modules = [name for name in MODULES if not wished.only or name in wished.only.split(",")]
    mutants = [mutant for name in modules for mutant in mutants_of(ROOT / f"shop/pricing/{name}.py")]
    random.Random(SEED).shuffle(mutants)
    if wished.one:
        return run_tests(next(mutant for mutant in mutants if mutant.name == wished.one), is_quiet=False)
    preload()
    if wait_for(start(None)) != 0:
        print("The tests fail without any mutant; mend that first.", file=sys.stderr)
        return 2
    fates = run_all(mutants, until=time.monotonic() + wished.minutes * 60, jobs=wished.jobs)
    return report(mutants, fates)


def preload() -> None:
    """Load once what no mutant changes; each child then begins with it, and reads the modules of the rules anew."""
    for name in ("pytest", "hypothesis", "hypothesis.strategies", "shop.pricing.rates", *(f"shop.pricing.{name}" for name in MODULES)):
        importlib.import_module(name)
    gc.freeze()


def run_all(mutants: list[Mutant], *, until: float, jobs: int) -> dict[str, bool]:
    """Mutant → did it die? A mutant that never ends is dead."""
    fates: dict[str, bool] = {}
    waiting, running = list(mutants), list[Running]()
    while running or (waiting and time.monotonic() < until):
        while waiting and len(running) < jobs and time.monotonic() < until:
            mutant = waiting.pop()
            running.append(Running(mutant, start(mutant)))
        for child in list(running):
            ended, status = os.waitpid(child.process, os.WNOHANG)
            if ended:
                running.remove(child)
                fates[child.mutant.name] = status != 0
                if status == 0:
                    print(f"{child.mutant}{'   (argued)' if child.mutant.name in SPARED else ''}", flush=True)
        select.select([], [], [], 0.02)
    return fates


def start(mutant: Mutant | None) -> int:
    """Run the tests in a child."""
    process = os.fork()
    if process:
        return process
    try:
        code = run_tests(mutant, is_quiet=True)
    except BaseException:  # noqa: BLE001 - a mutant may fail in any way
        code = 1
    os._exit(code)


def wait_for(process: int) -> int:
    return os.waitpid(process, 0)[1]


def run_tests(mutant: Mutant | None, *, is_quiet: bool) -> int:
    """The tests of the rules, against the changed module; 0 when none of them noticed."""
    import hypothesis
    import pytest

    if is_quiet:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    gc.disable()
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    hypothesis.settings.register_profile("mutants", max_examples=30, derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutants")
    if mutant is not None:
        take_in_place(mutant)
    names = (*TESTS, "tax", "delivery", "obstacles") if mutant is None else TESTS_OF.get(mutant.module, TESTS)
    own_first = sorted(names, key=lambda name: mutant is None or name != mutant.module)
    paths = [str(ROOT / f"tests/pricing/test_{name}.py") for name in own_first]
    words = [
        "-x",
        "-q",
        "--noconftest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-W",
        "ignore",
        "--assert=plain",
        "--rootdir",
        str(ROOT),
        *paths,
    ]
    return int(pytest.main(words))


def take_in_place(mutant: Mutant) -> None:
    """Let the next import of the module read the changed source; whatever imported it before is read anew, too."""
    for name in [name for name in sys.modules if name.startswith("shop.pricing.")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant))


class _Finder:
    """Finds one module, with changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> object:  # noqa: ARG002 - so the interface wants it
        from importlib.util import spec_from_file_location

        if name != f"shop.pricing.{self.mutant.module}":
            return None
        return spec_from_file_location(name, self.mutant.path, loader=_Loader(self.mutant))


class _Loader:
    """Runs the changed source."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def create_module(self, spec: object) -> None:  # noqa: ARG002 - so the interface wants it
        return None

    def exec_module(self, module: object) -> None:
        exec(compile(self.mutant.source, str(self.mutant.path), "exec"), module.__dict__)


def report(mutants: list[Mutant], fates: dict[str, bool]) -> int:
    """Print how many died, module by module; the exit code."""
    print(f"\n{'module':<12} {'made':>5} {'tried':>6} {'died':>5} {'argued':>7} {'left':>5}")
    for name in [*sorted({mutant.module for mutant in mutants}), ""]:
        mine = [mutant for mutant in mutants if not name or mutant.module == name]
        tried = [mutant for mutant in mine if mutant.name in fates]
        alive = [mutant for mutant in tried if not fates[mutant.name]]
        argued = sum(mutant.name in SPARED for mutant in alive)
        print(f"{name or 'all':<12} {len(mine):>5} {len(tried):>6} {len(tried) - len(alive):>5} {argued:>7} {len(alive) - argued:>5}")
    died = sum(fates.values())
    left = [name for name, is_dead in fates.items() if not is_dead and name not in SPARED]
    print(f"{died} of {len(fates)} died: {100 * died / max(len(fates), 1):.1f} %")
    return 1 if left or 100 * died < 95 * len(fates) else 0


if __name__ == "__main__":
    sys.exit(main())
