"""What waypoints do with requests: refuse, try again, break, eject, copy, and end."""

from .grafana import (
    ANY, CALM, FAULTS, MILLISECONDS, SOME, Dashboard, choice, quantile, rate, share, total,
)
from .shared import INSTANCE, control_plane, counted, dry_runs, now, processes, telemetry

REQUESTS = (
    'reporter="waypoint"', 'destination_service_namespace=~"$namespace"', 'destination_workload=~"$workload"',
    INSTANCE,
)
FAILED = (*REQUESTS, 'response_code=~"5.*|0"')
DURATION = "istio_request_duration_milliseconds"
# Of one worker, see docs/PROTECTION.md.
MIB = 1_048_576
HELD = [(None, "green"), (128 * MIB, "yellow"), (256 * MIB, "red")]


def requests(*labels):
    return total(rate("istio_requests_total", *REQUESTS), *labels)


def failed(*labels):
    return total(rate("istio_requests_total", *FAILED), *labels)


def build():
    told = 'reporter="waypoint"'
    board = Dashboard("waypoints", "Apus / Waypoints", "Requests, and what was done about them.", [
        choice("namespace", "Namespace", ("istio_requests_total",), "destination_service_namespace",
               "Of the service that is asked; for the rows of requests", told),
        choice("workload", "Workload", ("istio_requests_total",), "destination_workload",
               "The destination; for the rows of requests", told,
               'destination_service_namespace=~"$namespace"'),
        choice("instance", "Waypoint", ("apus_waypoint_requests",), "instance", "As Prometheus names it"),
    ])
    board.row("Now")
    board.number("Requests", "Of the chosen namespaces and workloads.", "reqps", requests())
    board.number(
        "Requests that failed", "The share with a 5xx, or without an answer.", "percentunit",
        share(failed(), requests()), FAULTS)
    board.number("p99", "99 of 100 requests end within this time.", "ms", quantile(0.99, DURATION, REQUESTS),
                 MILLISECONDS)
    board.number("Refused", "By policy, for want of a token, or by an endpoint's agent.", "reqps",
                 f"{counted('apus_requests_refused_total')} or vector(0)")
    board.number("Under way", "Requests that wait for their answer, or whose answer is being sent.", "none",
                 now("apus_waypoint_requests"))
    board.number(
        "Ejected", "Endpoints left out because they fail.", "none", now("apus_endpoints_ejected"), ANY)
    traffic(board)
    refusals(board)
    resilience(board)
    protections(board)
    control_plane(board, "waypoint")
    telemetry(
        board, "waypoint",
        [("apus_request_records_dropped", "requests"), ("apus_records_dropped", "connections")],
        [("apus_request_series_overflow_total", "requests"),
         ("apus_traffic_series_overflow_total", "connections")])
    processes(board, "waypoint")
    return board


def traffic(board):
    board.row("Requests")
    service = ("destination_service", "destination_workload")
    line = "{{destination_service}} {{destination_workload}}"
    board.graph(
        "Rate", "By service and the workload that was last tried.", "reqps", (requests(*service), line))
    board.graph("Failed", "The share with a 5xx, or without an answer.", "percentunit",
                (share(failed(*service), requests(*service)), line), thresholds=FAULTS)
    board.graph(
        "Duration", "From the head of the request to the end of the response.", "ms",
        *[(quantile(which, DURATION, REQUESTS), name) for which, name in ((0.5, "p50"), (0.9, "p90"),
                                                                          (0.99, "p99"))],
        thresholds=MILLISECONDS)
    board.graph("Statuses", "What clients got; 0 is no answer.", "reqps",
                (requests("response_code"), "{{response_code}}"))
    board.graph(
        "gRPC messages", "Of clients and of applications.", "ops",
        (total(rate("istio_request_messages_total", *REQUESTS)), "from clients"),
        (total(rate("istio_response_messages_total", *REQUESTS)), "from applications"))
    board.graph(
        "Connections of clients", "By what they carry.", "none",
        (now("apus_waypoint_connections", "carry"), "{{carry}}"))


def refusals(board):
    board.row("Refusals")
    board.graph("Refused, by reason", "By policy, or by an endpoint's agent.", "reqps",
                (counted("apus_requests_refused_total", "reason"), "{{reason}}"))
    board.graph(
        "Tokens", "Requests whose token was not believed, and keys of issuers that could not be fetched.",
        "ops",
        (counted("apus_tokens_refused_total", "reason"), "{{reason}}"),
        (counted("apus_key_fetch_failures_total"), "key fetches failed"))
    board.graph(
        "Not read as requests", "By the status of the answer; 0: the stream or connection was ended.", "ops",
        (counted("apus_unread_requests_total", "status"), "{{status}}"))
    board.graph(
        "Judged again", "What was under way when policy changed, and what of it ended.", "ops",
        (counted("apus_judged_again_total"), "judged again"),
        (counted("apus_ended_by_policy_total"), "ended"),
        width=12)
    dry_runs(board, "waypoint", 12)


def resilience(board):
    board.row("Resilience")
    retries = counted("apus_retries_total")
    every = total(rate("istio_requests_total", 'reporter="waypoint"', INSTANCE))
    board.graph(
        "Retries", "Requests sent again, and not, by reason: retry-budget is the budget.", "ops",
        (retries, "sent again"), (counted("apus_retries_denied_total", "reason"), "not: {{reason}}"))
    board.graph(
        "Retries, as a share", "Of all requests of the chosen waypoints. Many make a bad time worse.",
        "percentunit", (share(retries, every), "sent again"),
        thresholds=[(None, "green"), (0.1, "yellow"), (0.2, "red")])
    board.graph("Breakers", "Requests or retries without a place, by the limit that was met.", "ops",
                (counted("apus_breaker_overflows_total", "limit"), "{{limit}}"), thresholds=SOME)
    board.graph("Pending", "Requests that wait for a connection to an endpoint.", "none",
                (now("apus_waypoint_requests_pending", "instance"), "{{instance}}"))
    board.graph(
        "Ejections", "Endpoints taken out, and those that stayed because a limit forbade more.", "ops",
        (counted("apus_ejections_total"), "taken out"), (counted("apus_ejections_forgone_total"), "stayed"))
    board.graph("Ejected now", "By waypoint; each sees its endpoints alone.", "none",
                (now("apus_endpoints_ejected", "instance"), "{{instance}}"), thresholds=ANY)
    board.graph("Mirrors", "Copies that were answered, dropped here, or failed there.", "ops",
                (counted("apus_mirrors_total", "outcome"), "{{outcome}}"), width=12)
    whole = counted("apus_mirrors_total")
    lost = total(rate("apus_mirrors_total", INSTANCE, 'outcome!="answered"'))
    board.graph("Mirrors without an answer", "The share of the copies.", "percentunit",
                (share(lost, whole), "without an answer"), thresholds=FAULTS, width=12)


def protections(board):
    board.row("Protection")
    board.graph("Connections ended", "Each once, by what ended it first.", "cps",
                (counted("apus_connections_ended_total", "reason"), "{{reason}}"))
    board.graph("Requests ended", "Because their clients kept them waiting.", "reqps",
                (counted("apus_requests_ended_total", "reason"), "{{reason}}"))
    board.graph(
        "Held", "Bytes of bodies that wait for either side. At 256 MiB of one worker connections end.",
        "bytes", (now("apus_waypoint_held_bytes", "instance"), "{{instance}}"), thresholds=HELD)
    shares = 'reason=~"memory|rapid-reset|.*-flood|header-bomb"'
    board.table(
        "Floods", "Waypoints that were attacked, or whose clients are broken, over the chosen time.",
        {"instance": "Waypoint", "reason": "Reason"},
        [("Connections", "none",
          "sum by (instance, reason) "
          f"(increase(apus_connections_ended_total{{{INSTANCE}, {shares}}}[$__range])) > 0", CALM)])
