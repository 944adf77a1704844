"""What processes have cost: processor time and memory, from /proc."""

import os


def processor_seconds(processes):
    """The time that these processes' threads have been on a processor so far."""
    total = 0
    for process in processes:
        for thread in os.listdir(f"/proc/{process}/task"):
            try:
                with open(f"/proc/{process}/task/{thread}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except FileNotFoundError:
                pass  # a thread that has just ended
    return total / 1e9


def resident_megabytes(process, kind="VmRSS"):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(f"{kind}:"))


def program(process):
    """The name of the program that a process runs."""
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe"))
    except OSError:
        return ""
