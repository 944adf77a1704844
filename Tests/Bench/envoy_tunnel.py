"""Two Envoys as client and server of HTTP/2 CONNECT tunnels with TLS 1.3 and mutual certificates: the shape
of HBONE, without capture. The load dials the client's listeners."""

import json
import os
import subprocess
import time

from EndToEnd import netns

from . import envoy_router as part

# What the load dials: the server's port that it leads to.
LISTENERS = {15980: 8080, 15901: 5201}


def _proxy(cluster, **more):
    kind = "extensions.filters.network.tcp_proxy.v3.TcpProxy"
    return {"name": "tcp", "typed_config": part.typed(kind, stat_prefix="tcp", cluster=cluster, **more)}


def _tls(kind, pair, root, **more):
    context = part.typed(
        f"extensions.transport_sockets.tls.v3.{kind}", common_tls_context=part.secret(pair, root), **more
    )
    return {"name": "tls", "typed_config": context}


def client(pair, root, pod):
    """Any connection to a listener becomes a stream of one tunnel to the pod."""
    listeners = [
        {
            "name": f"to-{port}",
            "address": part.address("127.0.0.1", listened),
            "filter_chains": [{"filters": [_proxy("pod", tunneling_config={"hostname": f"{pod}:{port}"})]}],
        }
        for listened, port in LISTENERS.items()
    ]
    tls = _tls("UpstreamTlsContext", pair, root)
    limits = {
        "thresholds": [{"max_connections": 65536, "max_pending_requests": 65536, "max_requests": 65536}]
    }
    cluster = part.cluster(
        "pod", part.address(pod, 15008), **part.http2(), transport_socket=tls, circuit_breakers=limits
    )
    return json.dumps({"static_resources": {"listeners": listeners, "clusters": [cluster]}})


def server(pair, root, pod):
    """Ends tunnels and dials the application."""
    routes, clusters = [], []
    limits = {
        "thresholds": [{"max_connections": 65536, "max_pending_requests": 65536, "max_requests": 65536}]
    }
    for port in LISTENERS.values():
        routes.append({
            "match": {
                "connect_matcher": {},
                "headers": [{"name": ":authority", "string_match": {"suffix": f":{port}"}}],
            },
            "route": {
                "cluster": f"app-{port}", "timeout": "0s", "idle_timeout": "0s",
                "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
            },
        })  # fmt: skip
        clusters.append(part.cluster(f"app-{port}", part.address(pod, port), circuit_breakers=limits))
    listener = {
        "name": "hbone",
        "address": part.address(pod, 15008),
        "filter_chains": [{
            "transport_socket": _tls("DownstreamTlsContext", pair, root, require_client_certificate=True),
            "filters": [part.manager(
                routes, codec_type="HTTP2", http2_protocol_options={"allow_connect": True},
                stream_idle_timeout="0s", upgrade_configs=[{"upgrade_type": "CONNECT"}])],
        }],
    }  # fmt: skip
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}})


class Pair:
    """Both, each in a network namespace given by its path. `pairs`: certificates of client and server;
    `address`: the application's, at which the server listens for tunnels too."""

    def __init__(self, envoy, folder, pairs, root, places, address):
        self.envoy, self.folder, self.root = envoy, folder, root
        self.pairs, self.places, self.address = pairs, places, address
        self.children = []

    def _start(self, name, place, configuration):
        path = os.path.join(self.folder, f"envoy-{name}.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration)
        command = [self.envoy, "-c", path, "--concurrency", "1", "--disable-hot-restart"]
        self.children.append(netns.start(place, [*command, "--log-level", "error"]))

    def __enter__(self):
        client_pair, server_pair = self.pairs
        client_place, server_place = self.places
        self._start("server", server_place, server(server_pair, self.root, self.address))
        self._start("client", client_place, client(client_pair, self.root, self.address))
        ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:15980/"]
        deadline = time.monotonic() + 20
        while netns.run(client_place, ask).stdout != "200":
            if time.monotonic() > deadline or any(child.poll() is not None for child in self.children):
                self.__exit__()
                raise SystemExit("bench: the pair of Envoys does not serve")
            time.sleep(0.2)
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def processes(self):
        return [child.pid for child in self.children]
