"""Opens tunnels one after another, each with a full mutual handshake, until the time is over. Runs where the
load is; prints one JSON line.

    tunnels.py ADDRESS CERTIFICATE KEY ROOT SECONDS
"""

import json
import socket
import ssl
import sys
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
SETTINGS = 4


def opened(context, address):
    """Waits for the peer's first frame: it has verified our certificate by then."""
    with socket.create_connection((address, 15008), timeout=10) as plain:
        with context.wrap_socket(plain) as tunnel:
            tunnel.sendall(PREFACE)
            frame = tunnel.recv(4096)
            if len(frame) < 9 or frame[3] != SETTINGS:
                raise SystemExit(f"the peer says {frame[:16]!r}")


def main():
    address, certificate, key, root, seconds = *sys.argv[1:5], float(sys.argv[5])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # its identity is a URI; it must be of this root
    context.load_verify_locations(root)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    start, counts = time.monotonic(), []

    def work():
        count = 0
        while time.monotonic() < start + seconds:
            opened(context, address)
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) != len(threads):
        raise SystemExit("a tunnel was refused")
    print(json.dumps({"opened": sum(counts), "seconds": time.monotonic() - start}))


if __name__ == "__main__":
    main()
