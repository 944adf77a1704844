"""A client of the tests' API server that knows nothing of it but HTTP, and a case that has both."""

import http.client
import json
import ssl
import tempfile
import unittest
import urllib.parse

from EndToEnd.kube import Certificates, Cluster

MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
CUTS = (http.client.IncompleteRead, ConnectionError, ssl.SSLError)  # what a client sees of a cut connection
DEADLINE = 30  # seconds after which a test is given up


class Client:
    """One connection, kept. `certificate`: a pair of files."""

    def __init__(self, url, authority, token=None, certificate=None, agent=None):
        context = ssl.create_default_context(cafile=authority)
        if certificate:
            context.load_cert_chain(certificate.certificate, certificate.key)
        place = urllib.parse.urlsplit(url)
        where = {"context": context, "timeout": DEADLINE}
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, **where)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers |= {"User-Agent": agent} if agent else {}

    def send(self, method, path, body=None, content_type="application/json", **query):
        """The answer, unread. Keys of the query may be written with _ in front of what Python reserves."""
        if query:
            path += "?" + urllib.parse.urlencode({name.strip("_"): value for name, value in query.items()})
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers | ({"Content-Type": content_type} if data is not None else {})
        self.connection.request(method, path, data, headers)
        return self.connection.getresponse()

    def ask(self, method, path, body=None, content_type="application/json", **query):
        """The status and the document."""
        answer = self.send(method, path, body, content_type, **query)
        text = answer.read()
        is_json = answer.headers["content-type"] == "application/json"
        return answer.status, json.loads(text) if is_json else text.decode()

    def get(self, path, **query):
        return self.ask("GET", path, **query)

    def watch(self, path, **query):
        return Watched(self.send("GET", path, watch="true", **query))

    def close(self):
        self.connection.close()


class Watched:
    """The events of a watch, one after the other."""

    def __init__(self, answer):
        self.answer, self.rest = answer, b""

    def next(self):
        """The next event; None at the end of the stream, and one of CUTS when it is cut."""
        while b"\n" not in self.rest:
            read = self.answer.read1()  # readline would make no difference between the two
            if not read:
                return None
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def brief(self):
        """Type and name of the next event."""
        event = self.next()
        return event and (event["type"], event["object"]["metadata"].get("name"))


class KubeCase(unittest.TestCase):
    """A cluster, made anew for each test, and clients of it."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.certificates = Certificates(folder.name)
        cls.pair = cls.certificates.server("127.0.0.1", "localhost")

    def setUp(self):
        self.cluster = self.start()
        self.client = self.connect()

    def start(self, **options):
        """A cluster that serves. Bookmarks come when the test says so."""
        cluster = Cluster(**({"bookmark_seconds": 3600} | options))
        self.addCleanup(cluster.close)
        self.url = cluster.serve(self.pair.certificate, self.pair.key)
        self.addCleanup(lambda: self.assertEqual(cluster.failures, []))
        return cluster

    def connect(self, **options):
        client = Client(self.url, self.certificates.root.certificate, **options)
        self.addCleanup(client.close)
        return client

    def watch(self, path, **query):
        """A watch on a connection of its own."""
        watch = self.connect().watch(path, **query)
        self.addCleanup(watch.answer.close)
        return watch

    def version(self):
        return str(self.cluster.store.version)


def pod(name, namespace="default", labels=None, node=None, **metadata):
    metadata |= {"name": name, "namespace": namespace} | ({"labels": labels} if labels else {})
    spec = {"containers": [{"name": "main", "image": "image"}]} | ({"nodeName": node} if node else {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def config_map(name, namespace="default", data=None, **metadata):
    metadata |= {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {}}


def names(listed):
    return [item["metadata"]["name"] for item in listed["items"]]
