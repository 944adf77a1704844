"""Looks for private keys where none may be: in files that processes hold open or write, and in texts."""

import base64
import binascii
import ctypes
import os
import re
import select
import struct
import threading

# PEM of any kind, then DER: PKCS#8 of an EC and of an RSA key, SEC 1 of P-256 and P-384, PKCS#1.
_MARKS = (
    re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(rb"\x02\x01\x00\x30.\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", re.DOTALL),
    re.compile(rb"\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
    re.compile(rb"\x30.\x02\x01\x01\x04[\x20\x30]", re.DOTALL),
    re.compile(rb"\x30\x82..\x02\x01\x00\x02\x82..\x00", re.DOTALL),
)
# Base64 without the lines around it; the shortest key has more than this.
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{40,76}\r?\n?){1,}[A-Za-z0-9+/]*={0,2}")
LARGEST = 64 << 20  # of one file; a log is smaller


def holds_key(data):
    """Whether bytes hold what looks like a private key: in PEM, in DER, or in base64 of DER."""
    if any(mark.search(data) for mark in _MARKS):
        return True
    for found in _BASE64.finditer(data):
        text = found.group().replace(b"\n", b"").replace(b"\r", b"")
        try:
            inside = base64.b64decode(text[: len(text) // 4 * 4])
        except binascii.Error:
            continue
        if any(mark.search(inside) for mark in _MARKS[1:]):
            return True
    return False


def _content(path):
    """A regular file's bytes; None for anything else, and for what has gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.pread(descriptor, LARGEST, 0) if os.path.isfile(path) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def open_files(process):
    """(what it is, its bytes) of each regular file that a process holds open, those without a name too."""
    folder = f"/proc/{process}/fd"
    for number in os.listdir(folder):
        path = f"{folder}/{number}"
        try:
            target = os.readlink(path)
        except OSError:
            continue
        data = _content(path)
        if data is not None:
            yield target, data


def files_under(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            data = None if os.path.islink(path) else _content(path)
            if data is not None:
                yield path, data


class Watch:
    """Reads every file that programs of certain names have written and closed, on all disks (fanotify)."""

    _CLOSE_WRITE, _ADD, _FILESYSTEM = 0x8, 0x1, 0x100
    _CLOSE_ON_EXEC, _NONBLOCK, _UNLIMITED = 0x1, 0x2, 0x10

    def __init__(self, programs, places=("/", "/tmp", "/run", "/var/tmp", "/dev/shm")):
        self._programs = programs
        self.written = {}  # path to whether it held a key
        self._libc = ctypes.CDLL(None, use_errno=True)
        flags = self._CLOSE_ON_EXEC | self._NONBLOCK | self._UNLIMITED
        self._events = self._libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC)
        if self._events < 0:
            raise OSError(ctypes.get_errno(), "fanotify_init")
        for place in places:
            mask = ctypes.c_uint64(self._CLOSE_WRITE)
            mark = self._ADD | self._FILESYSTEM
            if os.path.isdir(place) and self._libc.fanotify_mark(
                self._events, mark, mask, -100, place.encode()
            ):
                raise OSError(ctypes.get_errno(), f"fanotify_mark {place}")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        os.close(self._events)

    @property
    def leaks(self):
        return sorted(path for path, leaks in self.written.items() if leaks)

    def _read(self):
        while True:
            last = self._ended.is_set()
            select.select([self._events], [], [], 0.05)
            try:
                while True:
                    self._take(os.read(self._events, 1 << 16))
            except BlockingIOError:
                if last:
                    return

    def _take(self, data):
        start = 0
        while start < len(data):
            length, _, _, _, _, descriptor, process = struct.unpack_from("=IBBHQii", data, start)
            start += length
            if descriptor < 0:
                continue
            try:
                self._look(descriptor, process)
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def _look(self, descriptor, process):
        program = os.path.basename(os.readlink(f"/proc/{process}/exe"))
        if program in self._programs:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            self.written[path] = self.written.get(path, False) or holds_key(os.pread(descriptor, LARGEST, 0))
