"""The one base class of errors that are meant for the person at the screen."""


class CfinspectError(Exception):
    """Something the user can mend; ``str(error)`` is one sentence: what, which file, what to do.

    The command line prints the sentence and exits with code 2; the traceback goes to the log only.
    """
