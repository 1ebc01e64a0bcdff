"""Files that do not answer, as on a mount whose server is away."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hanging(*paths: Path) -> Iterator[None]:
    """Keep whoever opens one of these files waiting in the kernel, for 45 seconds unless it is changed there.

    A lease does that: whoever opens the file waits until its holder, who is asked by a signal, gives it back.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    held = [os.open(path, os.O_RDWR | os.O_CREAT, 0o600) for path in paths]
    try:
        for descriptor in held:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        signal.signal(signal.SIGIO, before)
