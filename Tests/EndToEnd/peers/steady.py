#!/usr/bin/env python3
"""Connections that live long: each says a line ever so often and waits for its echo, until input ends.

    steady.py HOST PORT COUNT PAUSE

Prints "open" once all are connected, and at last a line of JSON for each: how many lines came back, in how
many seconds, and how it ended ("eof" in good order, or the error).
"""

import json
import select
import socket
import sys
import threading
import time

TIMEOUT = 5


def live(connection, pause, ended, facts):
    started, number = time.monotonic(), 0
    try:
        with connection, connection.makefile("rb") as answers:
            while not ended.wait(pause):
                number += 1
                connection.sendall(b"line %d\n" % number)
                answer = answers.readline()
                if not answer.startswith(b"line %d " % number):
                    raise ConnectionError(f"line {number} was answered {answer!r}")
                facts["lines"] = number
            connection.shutdown(socket.SHUT_WR)
            facts["end"] = "eof" if not answers.read() else "bytes after the end"
    except OSError as error:
        facts["end"] = f"{type(error).__name__}: {error}"
    facts["seconds"] = round(time.monotonic() - started, 3)


def main():
    host, port, count, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    ended, threads, all_facts = threading.Event(), [], []
    for _ in range(count):
        connection = socket.create_connection((host, port), timeout=TIMEOUT)
        facts = {"lines": 0}
        all_facts.append(facts)
        threads.append(threading.Thread(target=live, args=(connection, pause, ended, facts)))
        threads[-1].start()
    print("open", flush=True)
    select.select([sys.stdin], [], [])
    ended.set()
    for thread in threads:
        thread.join()
    for facts in all_facts:
        print(json.dumps(facts), flush=True)
    return 0 if all(facts.get("end") == "eof" for facts in all_facts) else 1


if __name__ == "__main__":
    sys.exit(main())
