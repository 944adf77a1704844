"""The control plane: who follows it, what it sends and how soon it is there, what it signs."""

from .grafana import ANY, SECONDS, SOME, WHOLE, Dashboard, choice, quantile, rate, share, total
from .shared import INSTANCE, counted, now, processes

PUSH = "apus_control_push_seconds"
# The root of a mesh is replaced with weeks to spare; the listener's certificate is short.
ENDS = [(None, "red"), (3_600, "yellow"), (14_400, "green")]


def build():
    board = Dashboard(
        "control-plane", "Apus / Control plane", "Subscribers, pushes, certificates and findings.",
        [choice("instance", "Control plane", ("apus_control_generation",), "instance",
                "As Prometheus names it")])
    following = now("apus_control_subscribers")
    board.row("Now")
    board.number("Clients", "Agents and waypoints that follow.", "none", following)
    board.number("Up to date", "The share of them that hold everything published.", "percentunit",
                 share(now("apus_control_subscribers_current"), following), WHOLE)
    board.number("Push time, p99", "From a publication until a client holds it.", "s",
                 quantile(0.99, PUSH, [INSTANCE]), SECONDS)
    board.number("Rejects", "Pushes that a client refused.", "ops", counted("apus_control_rejections_total"),
                 SOME, 2)
    board.number("Signed", "Certificates.", "ops",
                 total(rate("apus_control_certificates_total", INSTANCE, 'answer="issued"')), decimals=2)
    board.number("Errors in manifests", "Findings that keep a directory's last good state.", "none",
                 total(f'apus_control_findings{{{INSTANCE}, severity="error"}}'), ANY)
    discovery(board)
    certificates(board)
    manifests(board)
    processes(board, "control")
    return board


def discovery(board):
    board.row("Discovery")
    board.graph("Clients", "Open streams, by who follows, and those that hold everything published.", "none",
                (now("apus_control_subscribers", "kind"), "{{kind}}"),
                (now("apus_control_subscribers_current"), "up to date"))
    board.graph("Pushes", "Responses sent, by type.", "ops",
                (counted("apus_control_pushes_total", "url"), "{{url}}"))
    board.graph("Bytes of pushes", "By type.", "Bps",
                (counted("apus_control_push_bytes_total", "url"), "{{url}}"))
    board.graph(
        "Push time", "From a publication until a client holds what of it is for it.", "s",
        *[(quantile(which, PUSH, [INSTANCE]), name) for which, name in ((0.5, "p50"), (0.9, "p90"),
                                                                        (0.99, "p99"))], thresholds=SECONDS)
    board.graph("Rejects", "Pushes that a client refused (NACK), by type; its log says why.", "ops",
                (counted("apus_control_rejections_total", "url"), "{{url}}"), thresholds=SOME)
    board.graph(
        "Refused", "Streams of clients without the right identity, and connections beyond the bound.", "ops",
        (counted("apus_control_refused_streams_total"), "streams"),
        (counted("apus_control_refused_connections_total"), "connections"), thresholds=SOME)
    board.graph("Connections", "Open now.", "none",
                (now("apus_control_connections", "instance"), "{{instance}}"))
    board.graph("Published", "Workloads, services and policies.", "none",
                (now("apus_control_resources", "instance"), "{{instance}}"))
    board.graph("Generation", "Publications since the start; a fall is a restart.", "none",
                (now("apus_control_generation", "instance"), "{{instance}}"))
    clients = 'and on (instance, job) istio_build{component=~"agent|waypoint"}'
    board.graph("Received", "Pushes that clients tell of, by type.", "ops",
                (total(f"rate(istio_xds_message_total[$__rate_interval]) {clients}", "url"), "{{url}}"))
    board.graph("Bytes received", "As clients tell, by type.", "Bps",
                (total(f"rate(istio_xds_message_bytes_total[$__rate_interval]) {clients}", "url"), "{{url}}"))
    board.graph("Streams ended", "As clients tell, by reason.", "ops",
                (total(f"rate(istio_xds_connection_terminations_total[$__rate_interval]) {clients}",
                       "reason"), "{{reason}}"))


def certificates(board):
    board.row("Certificates")
    board.graph("Requests", "Certificates signed, and requests refused.", "ops",
                (counted("apus_control_certificates_total", "answer"), "{{answer}}"), width=12)
    board.graph(
        "End in", "The authority's own certificate, and that of the listener.", "s",
        (f"min by (certificate) (apus_control_certificate_end_seconds{{{INSTANCE}}}) - time()",
         "{{certificate}}"), thresholds=ENDS, width=12)


def manifests(board):
    board.row("Manifests and reports")
    board.graph("Findings", "What there is to say about the manifests, by severity.", "none",
                (now("apus_control_findings", "severity"), "{{severity}}"))
    board.graph("Directories refused", "Their last good state stays.", "none",
                (now("apus_control_rejected_directories"), "refused"), thresholds=ANY)
    board.graph("Reports", "Of agents and waypoints, for the page, by answer.", "ops",
                (counted("apus_control_reports_total", "answer"), "{{answer}}"),
                (now("apus_control_reporters"), "reporters"))
