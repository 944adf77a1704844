"""Network namespaces: running a function, or a program, inside one."""

import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def inside(path, function):
    """What function returns when called in the namespace at path; its sockets stay of that namespace."""
    outcome = {}

    def enter():
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"setns {path}")
            finally:
                os.close(descriptor)
            outcome["value"] = function()
        except BaseException as error:  # to be raised again by the caller
            outcome["error"] = error

    # A thread of its own: the namespace is the thread's, and ends with it.
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def start(path, command, **options):
    """A child process in the network namespace at path."""
    return subprocess.Popen(["nsenter", f"--net={path}", "--", *command], **options)


def run(path, command, **options):
    options = {"capture_output": True, "text": True, "timeout": 60} | options
    return subprocess.run(["nsenter", f"--net={path}", "--", *command], **options)


def inode(path):
    return os.stat(path).st_ino


def processes(path):
    """The processes whose network namespace is the one at path."""
    wanted, found = inode(path), []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}/ns/net").st_ino == wanted:
                    found.append(int(name))
            except OSError:
                pass  # it has just ended
    return sorted(found)
