"""Envoy as a waypoint: HBONE in, an HTTP router with routes, a policy and metrics, HBONE out."""

import json


def typed(kind, **fields):
    return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}


def secret(pair, root):
    return {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
        "tls_certificates": [
            {"certificate_chain": {"filename": pair.certificate}, "private_key": {"filename": pair.key}}
        ],
        "validation_context": {"trusted_ca": {"filename": root}},
        "alpn_protocols": ["h2"],
    }


HTTP = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"name": "router", "typed_config": typed("extensions.filters.http.router.v3.Router")}


def manager(routes, filters=(), **more):
    config = {
        "stat_prefix": "http",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [*filters, ROUTER],
        **more,
    }
    return {"name": "http", "typed_config": typed(HTTP, **config)}


def internal(name, filters):
    return {"name": name, "internal_listener": {}, "filter_chains": [{"filters": filters}]}


def address(ip, port):
    return {"socket_address": {"address": ip, "port_value": port}}


def cluster(name, where, **more):
    endpoint = {"endpoint": {"address": where}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        **more,
    }


def inside(name):
    return {"envoy_internal_address": {"server_listener_name": name}}


def http2():
    options = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config={"http2_protocol_options": {}},
    )
    return {
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options
        }
    }


def configuration(pair, root, pod, ports, paths):
    """`ports`: {the service's: (the pod's, speaks HTTP/2)}; `paths`: one route for each prefix."""
    tls = "extensions.transport_sockets.tls.v3"
    downstream = typed(
        f"{tls}.DownstreamTlsContext", common_tls_context=secret(pair, root), require_client_certificate=True
    )
    upstream = typed(f"{tls}.UpstreamTlsContext", common_tls_context=secret(pair, root))
    tunnels, listeners, clusters = [], [], []
    rule = {
        "permissions": [{"and_rules": {"rules": [
            {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
            {"url_path": {"path": {"prefix": "/r/"}}},
        ]}}],
        "principals": [{"any": True}],
    }  # fmt: skip
    policy = typed(
        "extensions.filters.http.rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {"load": rule}}
    )
    for port, (target, is_http2) in ports.items():
        tunnels.append({
            "match": {
                "connect_matcher": {},
                "headers": [{"name": ":authority", "string_match": {"suffix": f":{port}"}}],
            },
            "route": {
                "cluster": f"read-{port}", "timeout": "0s",
                "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
            },
        })  # fmt: skip
        routes = [{"match": {"prefix": path}, "route": {"cluster": f"write-{port}"}} for path in paths]
        listeners += [
            internal(f"read-{port}", [manager(routes, [{"name": "rbac", "typed_config": policy}])]),
            internal(f"write-{port}", [{
                "name": "tunnel",
                "typed_config": typed(
                    "extensions.filters.network.tcp_proxy.v3.TcpProxy", stat_prefix="tunnel", cluster="pod",
                    tunneling_config={"hostname": f"{pod}:{target}"}),
            }]),
        ]  # fmt: skip
        clusters += [
            cluster(f"read-{port}", inside(f"read-{port}")),
            cluster(f"write-{port}", inside(f"write-{port}"), **(http2() if is_http2 else {})),
        ]
    clusters.append(
        cluster(
            "pod", address(pod, 15008), **http2(), transport_socket={"name": "tls", "typed_config": upstream}
        )
    )
    hbone = {
        "name": "hbone",
        "address": address("0.0.0.0", 15008),
        "additional_addresses": [{"address": address("::", 15008)}],
        "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": downstream},
            "filters": [manager(
                tunnels, codec_type="HTTP2", http2_protocol_options={"allow_connect": True},
                upgrade_configs=[{"upgrade_type": "CONNECT"}])],
        }],
    }  # fmt: skip
    ready = {
        "name": "ready",
        "address": address("0.0.0.0", 15021),
        "filter_chains": [
            {"filters": [manager([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}])]}
        ],
    }
    return json.dumps({
        "bootstrap_extensions": [{
            "name": "envoy.bootstrap.internal_listener",
            "typed_config": typed("extensions.bootstrap.internal_listener.v3.InternalListener"),
        }],
        "static_resources": {"listeners": [hbone, ready, *listeners], "clusters": clusters},
    })  # fmt: skip
