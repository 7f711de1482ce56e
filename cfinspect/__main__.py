"""Entry point of ``cfinspect`` and ``python -m cfinspect``."""

import multiprocessing
import signal
import sys


def main() -> None:
    """Run the command line; the frozen program's child processes start here as well."""
    multiprocessing.freeze_support()
    words = sys.argv[1:]
    plain = not any(word.startswith("-") for word in words)
    if not words or (words[0] == "gui" and len(words) <= 2 and plain):
        # A double-click: the window does not wait for the commands to be imported.
        sys.exit(_open_window(words[1] if len(words) == 2 else None))
    _take_other_signals_as_ctrl_c()
    try:
        from cfinspect.cli import app  # noqa: PLC0415  (a child process must not build the app)

        app()
    except KeyboardInterrupt:  # before there was a command to say so
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


def _take_other_signals_as_ctrl_c() -> None:
    """A command that is ended, or whose terminal goes, ends as with Ctrl+C; nohup stays nohup."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _open_window(folder: str | None) -> int:
    from pathlib import Path  # noqa: PLC0415

    from cfinspect.engine.base.errors import CfinspectError  # noqa: PLC0415
    from cfinspect.visible import visible  # noqa: PLC0415

    try:
        from cfinspect.ui.shell.app import run  # noqa: PLC0415

        return run(None if folder is None else Path(folder))
    except ModuleNotFoundError as error:
        print(f"Error: The window needs {error.name}: install it with pip.", file=sys.stderr)
    except CfinspectError as error:
        print(f"Error: {visible(str(error))}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
