"""What agents, waypoints and the control plane tell in the same way."""

from .grafana import ANY, CALM, LEFT, ROOM, SOME, rate, share, total

INSTANCE = 'instance=~"$instance"'
UNSENT = 'outcome!="sent"'


def now(metric, *labels):
    """The sum of gauges of the chosen instances."""
    return total(f"{metric}{{{INSTANCE}}}", *labels)


def counted(metric, *labels):
    """What the chosen instances count, a second."""
    return total(rate(metric, INSTANCE), *labels)


def processes(board, component):
    """`component`: as `istio_build` tells it; the process families alone do not say whose they are."""
    own = f'and on (instance, job) istio_build{{component="{component}"}}'
    board.row("Processes")
    board.graph(
        "Processor", "Cores in use, of user and system time.", "none",
        (f"{rate('process_cpu_seconds_total', INSTANCE)} {own}", "{{instance}}"))
    board.graph(
        "Memory", "Resident memory.", "bytes",
        (f"process_resident_memory_bytes{{{INSTANCE}}} {own}", "{{instance}}"))
    board.graph(
        "Descriptors", "The share of those that may be open. When it is full, connections are refused.",
        "percentunit",
        (f"process_open_fds{{{INSTANCE}}} / process_max_fds{{{INSTANCE}}} {own}", "{{instance}}"),
        thresholds=ROOM)
    board.graph(
        "Up for", "Since the process began. A fall to zero is a restart.", "s",
        (f"time() - process_start_time_seconds{{{INSTANCE}}} {own}", "{{instance}}"))
    board.table(
        "Versions", "Which version runs where.", {"instance": "Instance", "tag": "Version"},
        [("Processes", "none",
          f'count by (instance, tag) (istio_build{{{INSTANCE}, component="{component}"}})', CALM)], width=16)


def control_plane(board, component):
    """Discovery and certificates, of who follows the control plane."""
    own = f'and on (instance, job) istio_build{{component="{component}"}}'
    board.row("Control plane and certificates")
    board.graph(
        "Not following", "Those that have no control plane now. They go on with what they know.", "none",
        (f"sum((1 - apus_xds_connected{{{INSTANCE}}}) {own})", "not following"), thresholds=ANY)
    board.graph(
        "Last heard", "Since when the control plane has said nothing. A mesh without changes is silent.", "s",
        (f"time() - (apus_xds_last_update_timestamp_seconds{{{INSTANCE}}} > 0) {own}", "{{instance}}"))
    board.graph(
        "Refused pushes and ended streams", "Responses refused (NACK), and why streams have ended.", "ops",
        (total(f"{rate('apus_xds_rejections_total', INSTANCE)} {own}", "url"), "refused {{url}}"),
        (total(f"{rate('istio_xds_connection_terminations_total', INSTANCE)} {own}", "reason"),
         "ended: {{reason}}"))
    board.graph(
        "Certificates end in", "The certificate that ends first. At zero its pods are refused.", "s",
        (f"min by (instance) (apus_certificate_expiry_timestamp_seconds{{{INSTANCE}}} {own}) - time()",
         "{{instance}}"), thresholds=LEFT)
    board.graph(
        "Certificates missing", "Identities in use without a certificate.", "none",
        (total(f'apus_certificates{{{INSTANCE}, state="missing"}} {own}', "instance"), "{{instance}}"),
        thresholds=ANY)
    board.graph(
        "Certificates had", "First ones, renewals, and attempts that failed.", "ops",
        (total(f"{rate('apus_certificates_issued_total', INSTANCE)} {own}", "kind"), "{{kind}}"),
        (total(f"{rate('apus_certificate_failures_total', INSTANCE)} {own}"), "failed"))


def dry_runs(board, component, width):
    own = f'and on (instance, job) istio_build{{component="{component}"}}'
    board.graph(
        "Policies in a dry run or AUDIT", "Connections of which such a policy has something to say.", "ops",
        (total(f"{rate('apus_policy_audits_total', INSTANCE)} {own}", "policy"), "audit {{policy}}"),
        (total(f"{rate('apus_policy_dry_runs_total', INSTANCE)} {own}", "verdict"), "dry run: {{verdict}}"),
        width=width)


def telemetry(board, component, records, overflows):
    """What telemetry itself has lost: (metric, legend) of gauges that only grow, and of counters."""
    own = f'and on (instance, job) istio_build{{component="{component}"}}'
    board.row("What telemetry lost")
    board.graph(
        "Records dropped", "Since the start, because telemetry was too slow: what they told is in no metric.",
        "none",
        *[(total(f"{metric}{{{INSTANCE}}} {own}", "instance"), f"{legend} {{{{instance}}}}")
          for metric, legend in records], thresholds=ANY)
    board.graph(
        "Log lines dropped", "The log's reader is too slow.", "ops",
        (total(f"{rate('apus_log_lines_dropped_total', INSTANCE)} {own}", "instance"), "{{instance}}"),
        thresholds=SOME)
    board.graph(
        "Series overflow", "Updates counted under other, because a family has too many series.",
        "ops",
        *[(total(f"{rate(metric, INSTANCE)} {own}", "instance"), f"{legend} {{{{instance}}}}")
          for metric, legend in overflows],
        (total(f"{rate('apus_series_overflow_total', INSTANCE)} {own}", "family"), "{{family}}"),
        thresholds=SOME)
    spans = total(f"{rate('apus_spans_total', INSTANCE)} {own}")
    lost = total(f"{rate('apus_spans_total', INSTANCE, UNSENT)} {own}")
    board.graph(
        "Spans", "By what became of them; without a collector there are none.", "ops",
        (total(f"{rate('apus_spans_total', INSTANCE)} {own}", "outcome"), "{{outcome}}"),
        (total(f"{rate('apus_span_retries_total', INSTANCE)} {own}"), "messages sent again"))
    board.graph(
        "Spans lost", "The share of spans that were dropped or refused.", "percentunit",
        (share(lost, spans), "lost"), thresholds=[(None, "green"), (0.01, "yellow"), (0.1, "red")])
    board.graph(
        "Spans waiting", "For the collector. 8,192 may; what comes beyond is dropped.", "none",
        (total(f"apus_spans_waiting{{{INSTANCE}}} {own}", "instance"), "{{instance}}"),
        thresholds=[(None, "green"), (4_096, "yellow"), (8_192, "red")])
