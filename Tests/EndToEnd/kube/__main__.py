"""The API server as a program: prints a line of JSON with its URL once it listens, and serves until it ends.

    PYTHONPATH=Tests python3 -m EndToEnd.kube --cert FILE --key FILE [--port 0] [--objects DIR]

POST /test/faults, /test/objects, /test/tokens, /test/bookmarks and GET /test/counters, on the same port and
open to everyone, are for the test that started it."""

import argparse
import json
import signal
import sys

from . import Cluster
from .store import WINDOW


def main():
    parser = argparse.ArgumentParser(prog="python3 -m EndToEnd.kube", description=__doc__.partition("\n")[0])
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert", required=True, help="PEM file of the certificate")
    parser.add_argument("--key", required=True, help="PEM file of its key")
    parser.add_argument("--client-ca", help="PEM file: certificates of this authority are users")
    parser.add_argument(
        "--tokens", help='file of JSON: {token: {"user", "groups", "uid", "extra", "audiences"}}'
    )
    parser.add_argument("--objects", help="directory of objects (JSON) to begin with")
    parser.add_argument(
        "--crds", action="append", default=[], metavar="GROUP", help="a known group to install"
    )
    parser.add_argument("--rbac", action="store_true", help="refuse what no role among the objects allows")
    parser.add_argument("--window", type=int, default=WINDOW, help="changes that can be replayed")
    parser.add_argument("--bookmarks", type=float, default=10, help="seconds between bookmarks")
    options = parser.parse_args()
    cluster = Cluster(options.window, options.bookmarks, options.client_ca)
    for group in options.crds:
        cluster.install_crds(group)
    if options.objects:
        cluster.load_directory(options.objects)
    if options.tokens:
        with open(options.tokens, encoding="utf-8") as file:
            for token, user in json.load(file).items():
                cluster.identities.add(token, user)
    cluster.roles.on = options.rbac
    signals = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    url = cluster.serve(options.cert, options.key, options.address, options.port)
    print(json.dumps({"url": url}), flush=True)
    signal.sigwait(signals)
    cluster.close()


if __name__ == "__main__":
    sys.exit(main())
