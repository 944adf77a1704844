"""Opens connections and says nothing. Runs where the load is; prints a line when all are open, and ends with
its input.

    idle.py ADDRESS PORT COUNT
"""

import resource
import socket
import sys


def main():
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 64), hard))
    held = [socket.create_connection((address, port), timeout=20) for _ in range(count)]
    print(len(held), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
