"""A mesh on paper: the documents of the page's API, as large as one likes, and a server that gives them."""

import http.server
import json
import random
import threading
import time

DOMAIN = "cluster.local"
TOTALS = ("opened", "requests", "errors", "denied", "failed", "sent", "received")


def node(namespace, name, pods=2, ready=None, captured=True, **more):
    return {
        "id": f"{namespace}/{name}", "namespace": namespace, "name": name, "kind": "Deployment",
        "identities": [f"spiffe://{DOMAIN}/ns/{namespace}/sa/{name}"] if captured else [],
        "pods": pods, "podsReady": pods if ready is None else ready, "isCaptured": captured,
        "services": [f"{name}.{namespace}.svc.{DOMAIN}"], "policies": [], "problems": [],
    } | more


def edge(source, destination, rate, **more):
    return {
        "id": f"{source}>{destination}", "source": source, "destination": destination, "services": [],
        "protocol": "http", "security": "mutual-tls", "rate": rate, "unit": "requests", "errorShare": 0,
        "p50": 2.1, "p99": 14.2, "sentPerSecond": rate * 300, "receivedPerSecond": rate * 2400, "open": 2,
        "deniedPerSecond": 0, "failedPerSecond": 0, "lastSeen": int(time.time()), "observer": "waypoint",
        "totals": dict.fromkeys(TOTALS, 0),
    } | more


def denial(source, destination, reason, **more):
    return {"time": int(time.time()), "source": source, "destination": destination, "reason": reason,
            "observer": "destination"} | more


def graph(nodes, edges):
    return {"kind": "apus-graph", "version": 1, "time": int(time.time()), "windowSeconds": 10, "forgotten": 0,
            "trustDomain": DOMAIN, "nodes": nodes, "edges": edges}


def large(services=300, namespaces=10, seed=7):
    """Layers of services in namespaces, each calling one to four below; some plain, failing or denied."""
    chance = random.Random(seed)
    teams = ["accounts", "billing", "catalog", "checkout", "fraud", "inventory", "media", "orders", "search",
             "shipping", "support", "web"]
    words = ["api", "cache", "events", "gateway", "index", "ledger", "mailer", "planner", "quotes", "reader",
             "router", "rules", "scorer", "store", "sync", "writer"]
    nodes, layers = [], {}
    for number in range(services):
        namespace = teams[number % namespaces]
        layer = min(5, int(chance.triangular(0, 6, 2.4)))
        name = f"{words[number % len(words)]}-{words[(number * 7 // 3) % len(words)]}-{number // namespaces}"
        pods = chance.randint(1, 6)
        ready = pods if chance.random() < 0.96 else pods - 1
        nodes.append(node(namespace, name, pods, ready, captured=chance.random() < 0.97))
        layers.setdefault(layer, []).append(nodes[-1])
    edges = {}
    for layer, members in sorted(layers.items()):
        below = [one for deeper, others in layers.items() if deeper > layer for one in others]
        if not below:
            continue
        for one in members:
            near = [other for other in below if other["namespace"] == one["namespace"]]
            for _ in range(chance.choice((1, 1, 2, 2, 3, 4))):
                other = chance.choice(near if near and chance.random() < 0.75 else below)
                rate = 10 ** chance.uniform(-1, 3)
                made = edge(one["id"], other["id"], rate, p99=10 ** chance.uniform(0.5, 2.6))
                if not (one["isCaptured"] and other["isCaptured"]):
                    made["security"] = "plaintext"
                lot = chance.random()
                if lot < 0.03:
                    made |= {"errorShare": chance.uniform(0.05, 0.4)}
                elif lot < 0.045:
                    reason = f"policy:{other['namespace']}/only-known-callers"
                    made |= {"deniedPerSecond": rate / 20, "rate": 0,
                             "lastDenial": denial(one["id"], other["id"], reason)}
                elif lot < 0.1:
                    made |= {"rate": 0, "open": 0, "sentPerSecond": 0, "receivedPerSecond": 0}
                edges[made["id"]] = made
    return nodes, list(edges.values())


class PaperServer:
    """Serves a page and the documents; `documents` may be exchanged while it runs."""

    def __init__(self, html, policy=None):
        self.documents = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path == "/":
                    body, kind = html, "text/html; charset=utf-8"
                else:
                    made = outer.documents.get(path, {"items": [], "waypoints": []})
                    body, kind = json.dumps(made() if callable(made) else made).encode(), "application/json"
                self.send_response(200)
                self.send_header("content-type", kind)
                if policy:
                    self.send_header("content-security-policy", policy)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
