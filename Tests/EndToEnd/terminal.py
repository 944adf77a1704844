"""A program on a terminal of a given size: what it writes, as a screen or as a stream, and keys for it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from .claim import Refuted

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """Standard streams of a command are one pseudo-terminal; `with` ends the command if it still runs."""

    def __init__(self, command, columns=80, rows=24, **environment):
        self.ours, theirs = pty.openpty()
        self.resize(columns, rows, tell=False)
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", **environment}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True)
        os.close(theirs)
        self.written = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            # The command has no controlling terminal, so nobody else tells it.
            self.process.send_signal(signal.SIGWINCH)

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def read(self, seconds):
        """What is written within so long at most, or until it has ended."""
        if select.select([self.ours], [], [], seconds)[0]:
            try:
                self.written += os.read(self.ours, 65536).decode(errors="replace")
            except OSError:
                return False  # the command has ended, and all is read
        return True

    def end(self, timeout=30):
        """Everything that it wrote, when it has ended, and its exit code."""
        deadline = time.monotonic() + timeout
        while self.read(0.2):
            if time.monotonic() > deadline:
                raise Refuted(f"no end within {timeout} s; it wrote: {self.written[-300:]!r}")
        return self.written, self.process.wait(timeout)

    def screen(self, condition, what, timeout=20):
        """The last picture of a full-screen command, as lines, once the condition holds of it."""
        deadline = time.monotonic() + timeout
        while True:
            pictures = self.written.split("\x1b[H")
            # The last may not be whole yet.
            whole = [one for one in pictures[1:] if one.endswith("\x1b[J") or "\x1b[J" in one]
            lines = CONTROL.sub("", whole[-1]).split("\r\n") if whole else []
            if lines and condition(lines):
                return lines
            if time.monotonic() > deadline or not self.read(0.2):
                raise Refuted(f"{what}: not on the screen; it shows {lines[:5]}")
