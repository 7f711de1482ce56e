"""Entry point of ``cfinspect`` and ``python -m cfinspect``."""

import multiprocessing


def main() -> None:
    """Run the command line; the frozen program's child processes start here as well."""
    multiprocessing.freeze_support()
    from cfinspect.cli import app  # noqa: PLC0415  (a child process must not build the app)

    app()


if __name__ == "__main__":
    main()
