"""The one base class of errors that are meant for the person at the screen."""


class CfinspectError(Exception):
    """Something the user can mend; ``str(error)`` is one sentence: what, which file, what to do.

    The command line prints the sentence and exits with code 2; the traceback goes to the log only.
    """


def short(text: str, most: int = 100) -> str:
    """The first ``most`` characters: a text of a stranger's file may have megabytes."""
    return text if len(text) <= most else f"{text[:most]}..."


def first_line(error: Exception) -> str:
    """What an exception of a library says, for a sentence of ours: it may quote a whole file."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return short(lines[0], 300)


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch ran out of memory; on the CPU it says so in words only. Needs no torch."""
    if not isinstance(error, RuntimeError):
        return False
    return type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error).lower()
