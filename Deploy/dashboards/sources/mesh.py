"""Golden signals between workloads, by the ecosystem's names."""

from .grafana import (
    CALM, FAULTS, MILLISECONDS, SOME, WHOLE, Dashboard, choice, fixed, quantile, rate, share, total,
)

WHO = (
    'source_workload=~"$source"', 'destination_workload_namespace=~"$namespace"',
    'destination_workload=~"$workload"',
)
# Requests are told by waypoints alone. A failure is a 5xx, or no answer at all.
REQUESTS = ('reporter="waypoint"', *WHO)
FAILED = (*REQUESTS, 'response_code=~"5.*|0"')
TCP = ('reporter="$reporter"', *WHO)
SAFE = (*TCP, 'connection_security_policy="mutual_tls"')
EDGE = (
    "source_workload", "source_workload_namespace", "destination_workload", "destination_workload_namespace",
)
HEADINGS = dict(zip(EDGE, ("Source", "Its namespace", "Destination", "Namespace")))
LINE = "{{source_workload}} → {{destination_workload}}"
DURATION = "istio_request_duration_milliseconds"
OPENED, NOT_OPENED = "istio_tcp_connections_opened_total", "istio_tcp_connections_failed_total"
EITHER = ("istio_requests_total", OPENED, NOT_OPENED)


def requests(*labels):
    return total(rate("istio_requests_total", *REQUESTS), *labels)


def failed(*labels):
    return total(rate("istio_requests_total", *FAILED), *labels)


def opened(*labels):
    return total(rate(OPENED, *TCP), *labels)


def safe(*labels):
    return total(rate(OPENED, *SAFE), *labels)


def refused(*labels):
    return total(rate(NOT_OPENED, *TCP), *labels)


def tried(*labels):
    """Nothing is told of a destination that has never refused, or never taken, a connection."""
    return total(f"{rate(OPENED, *TCP)} or {rate(NOT_OPENED, *TCP)}", *labels)


def numbers(board):
    board.row("Now")
    board.number("Requests", "Through waypoints.", "reqps", requests())
    board.number(
        "Requests that failed", "The share of requests with a 5xx, or without an answer.", "percentunit",
        share(failed(), requests()), FAULTS)
    board.number(
        "p99", "99 of 100 requests are answered within this time.", "ms", quantile(0.99, DURATION, REQUESTS),
        MILLISECONDS)
    board.number("Connections", "Opened, as the chosen reporter tells.", "cps", opened())
    board.number(
        "Connections that failed", "Refused by policy, or not to be opened.", "cps",
        f"{refused()} or vector(0)", SOME)
    board.number(
        "In mutual TLS", "The share of new connections that the mesh protects.", "percentunit",
        share(safe(), opened()), WHOLE)


def build():
    board = Dashboard("mesh", "Apus / Mesh", "Rate, errors, duration, bytes, mutual TLS between workloads.", [
        choice("namespace", "Namespace", EITHER, "destination_workload_namespace", "Of the destination"),
        choice("workload", "Workload", EITHER, "destination_workload", "The destination",
               'destination_workload_namespace=~"$namespace"'),
        choice("source", "Source", EITHER, "source_workload", "The workload that asks",
               'destination_workload_namespace=~"$namespace"', 'destination_workload=~"$workload"'),
        fixed("reporter", "Reporter", ["destination", "source", "waypoint"],
              "Who tells of connections: both ends do, and each would count"),
    ])
    numbers(board)
    board.row("Requests")
    board.table(
        "Who asks whom", "Requests through waypoints, by workloads.", HEADINGS, [
            ("Rate", "reqps", requests(*EDGE), CALM),
            ("Failed", "percentunit", share(failed(*EDGE), requests(*EDGE)), FAULTS),
            ("p50", "ms", quantile(0.5, DURATION, REQUESTS, *EDGE), MILLISECONDS),
            ("p90", "ms", quantile(0.9, DURATION, REQUESTS, *EDGE), MILLISECONDS),
            ("p99", "ms", quantile(0.99, DURATION, REQUESTS, *EDGE), MILLISECONDS),
        ])
    board.graph("Rate", "Requests a second, by source and destination.", "reqps", (requests(*EDGE), LINE))
    board.graph(
        "Failed", "The share of requests with a 5xx, or without an answer.", "percentunit",
        (share(failed(*EDGE), requests(*EDGE)), LINE), thresholds=FAULTS)
    board.graph(
        "Statuses", "Requests by what the client got; 0 is no answer.", "reqps",
        (requests("response_code"), "{{response_code}}"))
    for which, name in ((0.5, "p50"), (0.9, "p90"), (0.99, "p99")):
        board.graph(
            name, f"{which:.0%} of requests end within this time, from the head to the end of the response.",
            "ms", (quantile(which, DURATION, REQUESTS, *EDGE), LINE), thresholds=MILLISECONDS)
    board.graph(
        "Flags", "Requests that did not go as usual, by the short names of the ecosystem.", "reqps",
        (total(rate("istio_requests_total", *REQUESTS, 'response_flags!="-"'), "response_flags"),
         "{{response_flags}}"))
    board.graph(
        "gRPC", "Calls by the status of gRPC; 0 is success.", "reqps",
        (total(rate("istio_requests_total", *REQUESTS, 'request_protocol="grpc"'), "grpc_response_status"),
         "status {{grpc_response_status}}"))
    board.graph(
        "Sizes", "Half of the bodies are no larger.", "bytes",
        (quantile(0.5, "istio_request_bytes", REQUESTS), "requests"),
        (quantile(0.5, "istio_response_bytes", REQUESTS), "responses"))
    connections(board)
    protection(board)
    return board


def connections(board):
    board.row("Connections")
    board.graph("Opened", "Connections a second, by source and destination.", "cps", (opened(*EDGE), LINE))
    board.graph(
        "Failed", "By why: DENY is policy, CONNECT that nobody was there, the others broken handshakes.",
        "cps",
        (refused(*EDGE, "response_flags"), LINE + " {{response_flags}}"), thresholds=SOME)
    board.graph(
        "Failed, as a share", "Of the connections that were tried.", "percentunit",
        (share(refused("destination_workload"), tried("destination_workload")), "{{destination_workload}}"),
        thresholds=FAULTS)
    board.graph(
        "Bytes sent", "From the reporter's side to its peer.", "Bps",
        (total(rate("istio_tcp_sent_bytes_total", *TCP), *EDGE), LINE), width=12)
    board.graph(
        "Bytes received", "From the peer to the reporter.", "Bps",
        (total(rate("istio_tcp_received_bytes_total", *TCP), *EDGE), LINE), width=12)


def protection(board):
    board.row("Mutual TLS")
    board.graph(
        "In mutual TLS", "The share of new connections that the mesh protects, by destination.",
        "percentunit",
        (share(safe("destination_workload"), opened("destination_workload")), "{{destination_workload}}"),
        thresholds=WHOLE, width=12)
    plain = rate(OPENED, *TCP, 'connection_security_policy!="mutual_tls"')
    board.table(
        "Without it", "Who still connects in plain text.", HEADINGS,
        [("Rate", "cps", f"{total(plain, *EDGE)} > 0", CALM)], width=12)
