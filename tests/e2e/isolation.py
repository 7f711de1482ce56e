"""Lets a command run in the process of the tests as if it had one of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

import numpy as np
import torch

# Without a display, whatever the tests of the window have set: these are commands.
HIDDEN = frozenset({"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"})
SHOWN = {"OMP_NUM_THREADS": "1", "COLUMNS": "100"}

# What torch seeds itself with in every new process.
_SEED_OF_A_NEW_PROCESS = 67280421310721

Failure = tuple[type[BaseException], BaseException, TracebackType] | None


@contextlib.contextmanager
def as_if_alone(argv: list[str], cwd: Path | None) -> Iterator[Callable[[Failure], str]]:
    """Give the block what a new process has, and put back what the process had before.

    These are: ``sys.argv``, the folder, environment variables, torch's threads and random numbers,
    logging and warnings (both to stderr). Yields what words an exception as Python itself does at
    the end of a process ("" for SystemExit and None). A command that leaves another handler of
    signals or a thread that would keep its process from ending fails the test.
    """
    ways = [one for one in signal.Signals if one.name in {"SIGINT", "SIGTERM", "SIGHUP"}]
    handlers = {number: signal.getsignal(number) for number in ways}
    running = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        for part in (_arguments(argv), _place(cwd), _torch(), _random(), _logging(), _warnings()):
            stack.enter_context(part)
        yield _words
    assert {number: signal.getsignal(number) for number in handlers} == handlers
    left = [one for one in threading.enumerate() if one not in running and not one.daemon]
    assert not [one for one in left if not _ends(one)], left


def _words(failure: Failure) -> str:
    if failure is None or issubclass(failure[0], SystemExit):
        return ""
    return "".join(traceback.format_exception(*failure))


def _ends(thread: threading.Thread) -> bool:
    thread.join(timeout=10)
    return not thread.is_alive()


@contextlib.contextmanager
def _arguments(argv: list[str]) -> Iterator[None]:
    before, sys.argv = sys.argv, argv
    try:
        yield
    finally:
        sys.argv = before


@contextlib.contextmanager
def _place(cwd: Path | None) -> Iterator[None]:
    variables, folder = dict(os.environ), Path.cwd()
    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(SHOWN)
    if cwd is not None:
        os.chdir(cwd)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)


@contextlib.contextmanager
def _torch() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


@contextlib.contextmanager
def _random() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(_SEED_OF_A_NEW_PROCESS)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    # Without a handler of the test runner, what is logged goes to stderr, as it does for people.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers = handlers
        root.setLevel(level)


@contextlib.contextmanager
def _warnings() -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = warnings.formatwarning(message, category, filename, lineno, line)
        (file or sys.stderr).write(text)

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for unseen in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", unseen)
        warnings.showwarning = show
        yield
