"""A process of its own in which onnxruntime runs a stranger's ONNX file, under limits.

Started as a script, by its path, with little around it: `onnx_process` is the other side. Each
message is its length (8 bytes) and its bytes: first the ONNX file, then arrays (.npy); each is
answered by one sign (`DONE` or `FAILED`) and a message.
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import IO, Any

DONE, FAILED = b"+", b"-"
_LENGTH = 8
_GIB = 2**30
_MEMORY = 4 * _GIB  # beside some copies of the file's own weights
_COPIES = 4


def main() -> None:
    """Answer until nothing more comes."""
    import numpy as np  # noqa: PLC0415  (a script: what it takes to answer)

    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    content = receive(incoming)
    try:
        limit(len(content))
        session = _session(content)
        entry = session.get_inputs()[0].name
    except Exception as error:
        send(outgoing, str(error).encode(errors="replace"), FAILED)
        return
    send(outgoing, b"", DONE)
    while message := receive(incoming):
        try:
            shown = np.load(io.BytesIO(message), allow_pickle=False)
            found = io.BytesIO()
            np.save(found, session.run(None, {entry: shown})[0], allow_pickle=False)
        except Exception as error:
            send(outgoing, str(error).encode(errors="replace"), FAILED)
        else:
            send(outgoing, found.getvalue(), DONE)


def limit(file_bytes: int) -> None:
    """Take no more memory than a network needs, and write no file; nothing on Windows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415  (not on Windows)

        most = _MEMORY + _COPIES * file_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _session(content: bytes) -> Any:
    import onnxruntime  # noqa: PLC0415  (an extra)

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # which takes twice what is needed
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def send(stream: IO[bytes], message: bytes, sign: bytes = b"") -> None:
    """One message, behind its ``sign``."""
    stream.write(sign + len(message).to_bytes(_LENGTH, "little"))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes], most: int = 2**62) -> bytes:
    """The next message, empty at the end; ValueError for one of more bytes than ``most``."""
    length = int.from_bytes(stream.read(_LENGTH), "little")
    if length > most:
        raise ValueError(f"an answer has {length:,} bytes")
    return stream.read(length)


if __name__ == "__main__":
    main()
