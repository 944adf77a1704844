"""A collector of traces for tests. It reads OTLP by the definitions that OpenTelemetry publishes
(PyPI: opentelemetry-proto), which nothing of Apus was made from.

    python otlp.py ADDRESS PORT FILE [STATUS...]

writes one JSON object for each span to FILE. The first requests are answered with the given statuses, 429
with retry-after, and their spans are thrown away; a line of FILE tells of each.
"""

import collections.abc
import http.server
import json
import os
import subprocess
import sys

DEFINITIONS = "opentelemetry-proto==1.45.2"


def python(root):
    """A Python that has the definitions; made once, below the build's folder. None when it cannot be had."""
    place = os.path.join(root, ".build", "otlp")
    program = os.path.join(place, "bin", "python")
    check = [program, "-c", "import opentelemetry.proto.collector.trace.v1.trace_service_pb2"]
    if not os.path.exists(program) or subprocess.run(check, capture_output=True).returncode != 0:
        made = subprocess.run(["/usr/bin/python3", "-m", "venv", place], capture_output=True)
        if made.returncode != 0:
            return None
        install = [program, "-m", "pip", "-q", "install", DEFINITIONS]
        if subprocess.run(install, capture_output=True, timeout=180).returncode != 0:
            return None
    return program


def value(any_value):
    return getattr(any_value, any_value.WhichOneof("value") or "string_value")


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def spans(request):
    for group in request.resource_spans:
        resource = attributes(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield {
                    "trace": span.trace_id.hex(), "span": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(), "name": span.name, "kind": span.kind,
                    "start": span.start_time_unix_nano, "end": span.end_time_unix_nano,
                    "attributes": attributes(span.attributes), "status": span.status.code,
                    "message": span.status.message, "resource": resource, "scope": scope.scope.name,
                }


def unknown(message):
    """How many fields of the message, and of those in it, the definitions do not know."""
    from google.protobuf.unknown_fields import UnknownFieldSet

    count = len(UnknownFieldSet(message))
    for field, held in message.ListFields():
        if field.message_type is not None:
            for inner in held if isinstance(held, collections.abc.Iterable) else [held]:
                count += unknown(inner)
    return count


def serve(address, port, path, refusals):
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            problem = None
            if self.path != "/v1/traces":
                problem = 404
            elif self.headers["content-type"] != "application/x-protobuf":
                problem = 415
            elif refusals:
                problem = refusals.pop(0)
            with open(path, "a", encoding="utf-8") as file:
                if problem is None:
                    request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
                    strange = unknown(request)
                    if strange:
                        file.write(json.dumps({"refused": f"{strange} unknown fields"}) + "\n")
                    for span in spans(request):
                        file.write(json.dumps(span) + "\n")
                else:
                    file.write(json.dumps({"refused": problem}) + "\n")
            answer = trace_service_pb2.ExportTraceServiceResponse().SerializeToString()
            self.send_response(problem or 200)
            if problem == 429:
                self.send_header("retry-after", "1")
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words):
            pass

    http.server.ThreadingHTTPServer((address, port), Collector).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], [int(status) for status in sys.argv[4:]])
