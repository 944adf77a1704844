"""What processes have cost: processor time and memory, from /proc."""

import os

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(processes):
    """User and system time of these processes so far, of all their threads."""
    total = 0
    for process in processes:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_megabytes(process):
    with open(f"/proc/{process}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS:"))


def program(process):
    """The name of the program that a process runs."""
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe"))
    except OSError:
        return ""
