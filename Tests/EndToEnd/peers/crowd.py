#!/usr/bin/env python3
"""Many connections that ask at once; a line of JSON for each request, as it ends.

    crowd.py '{"url": ..., "method": "GET", "body": null, "headers": {}, "connections": 4, "count": 1,
               "until": false, "pause": 0, "timeout": 30}'

`url` may be a list, of which the connections take one each, in turn. Each connection is kept and asks `count`
times; with `until`, as often as it can before standard input ends. A connection that broke is made again for
the next request.
"""

import http.client
import json
import select
import sys
import threading
from urllib.parse import urlsplit

ended, printing = threading.Event(), threading.Lock()


def say(facts):
    with printing:
        print(json.dumps(facts), flush=True)


def ask_on(number, ask):
    urls = ask["url"] if isinstance(ask["url"], list) else [ask["url"]]
    url, connection, asked = urlsplit(urls[number % len(urls)]), None, 0
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    while not ended.is_set() and (ask.get("until") or asked < ask.get("count", 1)):
        asked += 1
        facts = {"connection": number}
        try:
            # One that ended between two requests takes none of them with it.
            if connection and connection.sock and select.select([connection.sock], [], [], 0)[0]:
                connection.close()
            if connection is None:
                connection = http.client.HTTPConnection(
                    url.hostname, url.port or 80, timeout=ask.get("timeout", 30))
            connection.request(ask.get("method", "GET"), target, ask.get("body"), ask.get("headers", {}))
            reply = connection.getresponse()
            # Stays only where the rest does not come: an answer has begun, and cannot be had again.
            facts["begun"] = True
            body = reply.read()
            del facts["begun"]
            facts |= {"status": reply.status, "reason": reply.headers.get("x-apus-reason")}
            facts |= {"body": body.decode(errors="replace")} if ask.get("bodies") else {}
        except (OSError, http.client.HTTPException) as error:
            facts["error"] = f"{type(error).__name__}: {error}"
            connection.close()
            connection = None
        say(facts)
        ended.wait(ask.get("pause", 0))


def main():
    ask = json.loads(sys.argv[1])
    numbers = range(ask.get("connections", 4))
    threads = [threading.Thread(target=ask_on, args=(number, ask)) for number in numbers]
    for thread in threads:
        thread.start()
    if ask.get("until"):
        select.select([sys.stdin], [], [])
        ended.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
