#!/usr/bin/env python3
"""An HTTP client that tells everything: makes requests as asked, and prints a line of JSON for each.

    fetch.py '{"url": ..., "count": 1, "method": "GET", "body": ..., "headers": {}, "ids": false,
               "keep": false, "pause": 0, "timeout": 10, "size": 0}'

keep: one connection for all requests. ids: each request posts {"id": "<unique>"}. size: posts so many bytes.
until: goes on until standard input ends, however many the requests.
"""

import hashlib
import http.client
import json
import select
import sys
import time
import uuid
from urllib.parse import urlsplit


def one(connection, url, ask):
    started = time.monotonic()
    facts = {"at": time.time()}
    body = ask.get("body")
    if ask.get("ids"):
        facts["id"] = uuid.uuid4().hex
        body = json.dumps({"id": facts["id"]})
    if ask.get("size"):
        body = bytes(ask["size"])
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request(ask.get("method", "GET"), target, body, ask.get("headers", {}))
        name, peer = connection.sock.getsockname(), connection.sock.getpeername()
        reply = connection.getresponse()
        data = reply.read()
        facts |= {"status": reply.status, "local": name[0], "peer": list(peer[:2])}
        facts |= {"headers": dict(reply.headers), "bytes": len(data)}
        facts |= {"sha256": hashlib.sha256(data).hexdigest()}
        if len(data) < 65536:
            facts["body"] = data.decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        facts["error"] = f"{type(error).__name__}: {error}"
        connection.close()
    facts["seconds"] = round(time.monotonic() - started, 6)
    return facts


def main():
    ask = json.loads(sys.argv[1])
    url = urlsplit(ask["url"])
    connection = None
    failures, number = 0, 0
    while number < ask.get("count", 1) or ask.get("until"):
        if ask.get("until") and select.select([sys.stdin], [], [], 0)[0]:
            break
        if connection is None or not ask.get("keep"):
            if connection is not None:
                connection.close()
            wait = ask.get("timeout", 10)
            connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=wait)
        facts = one(connection, url, ask)
        failures += "error" in facts
        print(json.dumps(facts), flush=True)
        number += 1
        time.sleep(ask.get("pause", 0))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
