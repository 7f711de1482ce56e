"""The one base class of errors that are meant for the person at the screen."""


class CfinspectError(Exception):
    """Something the user can mend; ``str(error)`` is one sentence: what, which file, what to do.

    The command line prints the sentence and exits with code 2; the traceback goes to the log only.
    """


_LONGEST = 300


def first_line(error: Exception) -> str:
    """What an exception of a library says, for a sentence of ours: it may quote a whole file."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= _LONGEST else f"{lines[0][:_LONGEST]}..."
