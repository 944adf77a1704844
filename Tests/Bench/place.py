"""Where a measurement takes place: a mesh of its own, a pod with the load, and servers on another node."""

import os

from EndToEnd.mesh import Mesh

from . import processes

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 32768; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; keepalive_timeout 600s;
  client_header_timeout 600s; reset_timedout_connection on;
  proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 8080 backlog=4096; listen [::]:8080; location / {{ return 200 "hello\\n"; }} }}
  server {{ listen 8081 http2; listen [::]:8081 http2; location / {{ return 200 "hello\\n"; }} }}
}}
"""

POD = """---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: bench}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: bench, labels: {{app: {name}}}}}
spec:
  serviceAccountName: {name}
  nodeName: {node}
  containers: [{{name: {name}, image: none, command: {command}}}]
"""

SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: bench}}
spec:
  selector: {{app: {name}}}
  ports:
  - {{name: {http}, port: 80, targetPort: 8080}}
  - {{name: {http2}, port: 81, targetPort: 8081}}
  - {{name: tcp-bulk, port: 5201, targetPort: 5201}}
"""

IDLE = '[sleep, "1000000"]'


class Place:
    """A mesh of its own with a pod `load` on node-1 and servers on node-2; without agents and control plane
    if `is_bare`. `rules`, `files`: more manifests. `is_tcp`: ports are declared so that nobody looks for
    requests."""

    def __init__(
        self, binaries, name, folder, servers, rules="", flags=(), is_bare=False, is_tcp=False, files=None
    ):
        self.directory = os.path.join(folder, name)
        os.makedirs(self.directory, exist_ok=True)
        self._write("nginx.conf", NGINX.format(folder=self.directory))
        names = {"http": "tcp-web", "http2": "tcp-web2"} if is_tcp else {"http": "http", "http2": "http2"}
        text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: bench\n"
        text += "  labels: {istio.io/dataplane-mode: ambient}\n"
        text += POD.format(name="load", node="node-1", command=IDLE)
        command = f'[sh, "-c", "ulimit -n $(ulimit -Hn) && exec nginx -c {self.directory}/nginx.conf"]'
        for server in servers:
            text += POD.format(name=server, node="node-2", command=command)
            text += SERVICE.format(name=server, **names)
        self._write("bench.yaml", text + rules)
        for file, content in (files or {}).items():
            self._write(file, content)
        self.mesh = Mesh(binaries, name, self.directory)
        self.flags = ["--no-mesh"] if is_bare else ["--log-level", "warning", *flags]

    def _write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        self.mesh.down()  # what a killed run may have left
        try:
            self.mesh.up(*self.flags)
            self.load = self.mesh.pod("bench", "load")
        except BaseException:
            self.mesh.down()
            raise
        return self

    def __exit__(self, *_):
        self.mesh.down()

    def address(self, service):
        """What the load dials: a service's virtual address."""
        answer = self.mesh.exec(self.load, "getent", "ahostsv4", service)
        return answer.stdout.split()[0]

    def pod(self, name):
        return self.mesh.pod("bench", name)

    def ask(self, url):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", url]
        return self.mesh.exec(self.load, *command).stdout

    def waypoint(self):
        """The process between the agents."""
        found = self.mesh.processes(self.pod("routed-waypoint"))
        named = [one for one in found if processes.program(one) in ("apus-waypoint", "envoy")]
        if len(named) != 1:
            raise SystemExit(f"bench: {len(named)} processes of a waypoint in {self.mesh.name}")
        return named[0]

    def agents(self):
        return [self.mesh.agent_process(node) for node in self.mesh.node_names()]
