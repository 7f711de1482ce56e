"""ONNX files of strangers: what is in them is checked, and they run in a process under limits.

This module is also the script that the process runs, which needs onnxruntime and numpy alone. Each
message is its length (8 bytes) and its bytes: first the ONNX file, then arrays (.npy); each is
answered by one sign (``DONE`` or ``FAILED``) and a message.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

DONE, FAILED = b"+", b"-"
_LENGTH = 8
_GIB = 2**30
_MEMORY = 4 * _GIB  # beside some copies of the file's own weights
_COPIES = 4
_START_SECONDS, _IMAGE_SECONDS = 60.0, 20.0
_LARGEST_ANSWER = 2**26  # bytes; a classifier's are some hundred
_LARGEST_FILE = 2**31 - 1  # which is protobuf's own limit


def checked_onnx(path: Path) -> Any:
    """The file as an ``onnx.ModelProto``, without loops, functions, and data in other files.

    Raises CfinspectError with a sentence. Nothing but the file itself is opened.
    """
    import onnx  # noqa: PLC0415  (an extra)

    from cfinspect.engine.base.errors import CfinspectError  # noqa: PLC0415  (the script has none)

    if path.stat().st_size > _LARGEST_FILE:
        raise CfinspectError(f"{path} is larger than an ONNX file can be")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf has its own
        raise CfinspectError(f"{path} is no ONNX file that can be read ({error})") from error
    if not model.graph.node:
        raise CfinspectError(f"{path} is no ONNX file that can be read (no network is in it)")
    for found in _programs(model):
        raise CfinspectError(f"{path} {found}: export the network again as one plain file")
    return model


def _programs(model: Any) -> Iterator[str]:
    """What makes an ONNX file more than a list of layers, in half a sentence each."""
    if model.functions:
        yield "has functions of its own"
    if model.graph.sparse_initializer:
        yield "has sparse weights"
    if any(map(_is_outside, model.graph.initializer)):
        yield "has weights in other files"
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                yield f"has a loop or a condition ({node.op_type[:40]!r})"
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                yield "has sparse weights"
            if _is_outside(attribute.t) or any(map(_is_outside, attribute.tensors)):
                yield "has weights in other files"


def _is_outside(tensor: Any) -> bool:
    return bool(tensor.data_location or tensor.external_data)


class OnnxProcess:
    """onnxruntime in a process of its own, which may take 4 GiB and so many seconds.

    Call it with images (n, 3, S, S) float32 for the first output. Raises ValueError with half a
    sentence where it fails or goes beyond its limits; it is ended then.
    """

    def __init__(self, content: bytes) -> None:
        if getattr(sys, "frozen", False):
            raise ValueError("ONNX needs cfinspect as a Python package, not as a bundle")
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._end = weakref.finalize(self, _ended, self._process)
        self._asked(content, _START_SECONDS)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """See the class."""
        message = io.BytesIO()
        np.save(message, np.ascontiguousarray(images), allow_pickle=False)
        answer = self._asked(message.getvalue(), _START_SECONDS + _IMAGE_SECONDS * len(images))
        found: NDArray[Any] = np.load(io.BytesIO(answer), allow_pickle=False)
        return found

    def _asked(self, message: bytes, seconds: float) -> bytes:
        process, late = self._process, threading.Event()
        assert process.stdin is not None and process.stdout is not None

        def stop() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(seconds, stop)
        clock.start()
        try:
            send(process.stdin, message)
            sign = process.stdout.read(1)
            answer = receive(process.stdout, _LARGEST_ANSWER)
        except (OSError, ValueError) as error:
            self.close()
            if late.is_set():
                raise ValueError(f"it takes more than {seconds:.0f} s") from error
            raise ValueError(f"it does not answer: {error}") from error
        finally:
            clock.cancel()
        if sign == DONE:
            return answer
        if sign == FAILED:
            raise ValueError(answer.decode(errors="replace")[:500])
        self.close()
        raise ValueError(
            f"it takes more than {seconds:.0f} s" if late.is_set() else "it needs too much memory"
        )

    def close(self) -> None:
        """End the process."""
        self._end()


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # it was ended while something was on its way
                continue
    process.wait()


def main() -> None:
    """What the process does: it answers until nothing more comes."""
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
