"""What agents carry and hold, and what they could not."""

from .grafana import ANY, CALM, LEFT, ROOM, SOME, Dashboard, choice, rate, share, total
from .shared import INSTANCE, control_plane, counted, dry_runs, now, processes, telemetry

TAKEN = (
    'reporter="destination"', 'destination_workload_namespace=~"$namespace"',
    'destination_workload=~"$workload"', INSTANCE,
)
ASKED = ('reporter="source"', 'source_workload=~"$source"', INSTANCE)
OPENED, FAILED = "istio_tcp_connections_opened_total", "istio_tcp_connections_failed_total"
EITHER = (OPENED, FAILED)
EXPIRY = "apus_certificate_expiry_timestamp_seconds"
FAILURES = [(None, "green"), (0.05, "yellow"), (0.25, "red")]
HERE = 'opened="here"'
OWN = 'and on (instance, job) istio_build{component="agent"}'


def build():
    board = Dashboard("agents", "Apus / Agents", "Connections, tunnels, certificates and limits of agents.", [
        choice("namespace", "Namespace", EITHER, "destination_workload_namespace",
               "Of pods that are asked; for the row of connections"),
        choice("workload", "Workload", EITHER, "destination_workload",
               "Of pods that are asked; for the row of connections",
               'destination_workload_namespace=~"$namespace"'),
        choice("source", "Source", EITHER, "source_workload", "Of pods that ask; for the row of connections"),
        choice("instance", "Agent", ("apus_pods",), "instance", "As Prometheus names it"),
    ])
    board.row("Now")
    board.number("Pods", "Served by the chosen agents.", "none", now("apus_pods"))
    board.number(
        "Not ready", "Pods whose connections are refused or wait.", "none", now("apus_pods_not_ready"), ANY)
    board.number("Connections", "Open now.", "none", now("apus_worker_connections"))
    board.number("Tunnels", "Open now, of both sides.", "none", now("apus_worker_tunnels"))
    board.number(
        "Certificates end in", "The one that ends first.", "s", f"min({EXPIRY}{{{INSTANCE}}} {OWN}) - time()",
        LEFT)
    board.number(
        "Fullest map", "Of the kernel's; when it is full, connections are refused.", "percentunit",
        f"max(apus_capture_map_entries{{{INSTANCE}}} / apus_capture_map_limit{{{INSTANCE}}})", ROOM)
    connections(board)
    tunnels(board)
    limits(board)
    control_plane(board, "agent")
    board.table(
        "Certificates", "Those that end within twelve hours.", {"identity": "Identity", "instance": "Agent"},
        [("Ends in", "s", f"({EXPIRY}{{{INSTANCE}}} {OWN}) - time() < 43200", LEFT)])
    telemetry(board, "agent", [("apus_records_dropped", "connections")],
              [("apus_traffic_series_overflow_total", "connections")])
    processes(board, "agent")
    return board


def connections(board):
    board.row("Connections")
    for title, matchers, label in (
        ("Taken by pods", TAKEN, "destination_workload"), ("Asked for by pods", ASKED, "source_workload"),
    ):
        board.graph(title, "Connections opened, by the workload on this node.", "cps",
                    (total(rate(OPENED, *matchers), label), f"{{{{{label}}}}}"))
    board.graph(
        "Failed", "By why: DENY is policy, CONNECT that nobody was there, the others broken handshakes.",
        "cps",
        (total(rate(FAILED, *TAKEN), "response_flags"), "taken: {{response_flags}}"),
        (total(rate(FAILED, *ASKED), "response_flags"), "asked for: {{response_flags}}"), thresholds=SOME)
    board.graph("Open", "Live connections.", "none",
                (now("apus_worker_connections", "instance"), "{{instance}}"))
    board.graph("Waiting", "For the mesh, for credentials or for a tunnel.", "none",
                (now("apus_worker_waiting", "instance"), "{{instance}}"))
    board.graph("Backlog", "Bytes that wait for applications.", "bytes",
                (now("apus_worker_backlog_bytes", "instance"), "{{instance}}"))


def tunnels(board):
    board.row("Tunnels")
    board.graph("Open", "By who opened them.", "none",
                (now("apus_worker_tunnels", "opened"), "{{opened}}"),
                (now("apus_worker_streams"), "connections inside"))
    board.graph(
        "Opened and failed", "By who opened or wanted them.", "ops",
        (counted("apus_tunnels_opened_total", "opened"), "opened {{opened}}"),
        (counted("apus_tunnels_failed_total", "opened"), "failed {{opened}}"))
    board.graph(
        "Tunnels for each connection", "How well tunnels are shared: the lower, the fewer handshakes.",
        "percentunit",
        (share(total(rate("apus_tunnels_opened_total", INSTANCE, HERE), "instance"),
               counted("apus_tunnel_requests_total", "instance")), "{{instance}}"))
    board.graph("Handshakes", "Peers that have not yet proved their identity.", "none",
                (now("apus_worker_handshakes", "instance"), "{{instance}}"))
    board.graph(
        "Handshakes turned away", "For want of a place, at a pod or of one source address.", "cps",
        (total(rate("apus_worker_turned_away_total", INSTANCE, 'limit=~"handshakes.*"'), "limit"),
         "{{limit}}"),
        thresholds=SOME)
    opened = counted("apus_tunnels_opened_total", "instance")
    failed = counted("apus_tunnels_failed_total", "instance")
    board.graph(
        "Waypoints that died", "Connections that went on to a successor: idle ones, and requests sent again.",
        "cps", (counted("apus_waypoint_losses_total", "carried"), "{{carried}}"), thresholds=SOME)
    board.graph("Tunnels that failed", "The share of those that were tried.", "percentunit",
                (share(failed, f"({opened} + {failed})"), "{{instance}}"), thresholds=FAILURES)


def limits(board):
    board.row("Limits")
    board.graph("Turned away", "Connections that met a limit, by which.", "cps",
                (counted("apus_worker_turned_away_total", "limit"), "{{limit}}"), thresholds=SOME)
    board.graph(
        "Map occupancy", "How full the kernel's maps are. What finds no place is refused.", "percentunit",
        (f"max by (instance, map) (apus_capture_map_entries{{{INSTANCE}}} / "
         f"apus_capture_map_limit{{{INSTANCE}}})", "{{map}} {{instance}}"), thresholds=ROOM)
    board.graph("Judged again", "Live connections, because policy had changed.", "ops",
                (counted("apus_worker_judgements_total", "instance"), "{{instance}}"))
    dry_runs(board, "agent", 8)
    board.graph("Known of the mesh", "Workloads, services and policies; the same at every agent.", "none",
                (f"max by (instance, kind) (apus_mesh_resources{{{INSTANCE}}})", "{{kind}} {{instance}}"))
    board.graph(
        "Flow history", "Flows that are remembered, and forgotten for want of room.", "none",
        (total(f"apus_flows{{{INSTANCE}}} {OWN}", "instance"), "{{instance}}"),
        (total(f"{rate('apus_flows_evicted_total', INSTANCE)} {OWN}", "instance"),
         "forgotten a second {{instance}}"))
    board.table(
        "Workers", "Whether connections are spread evenly.", {"instance": "Agent", "worker": "Worker"},
        [("Connections", "none", now("apus_worker_connections", "instance", "worker"), CALM),
         ("Tunnels", "none", now("apus_worker_tunnels", "instance", "worker"), CALM),
         ("Wakes", "ops", counted("apus_worker_ticks_total", "instance", "worker"), CALM)], width=8)
