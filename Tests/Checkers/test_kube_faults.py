"""The tests' API server fails in the ways it is told to, and serves as a program."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from .kube import CUTS, DEADLINE, KubeCase, config_map, names, pod

PODS = "/api/v1/namespaces/default/pods"
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Faults(KubeCase):
    def test_answers_for_a_number_of_requests_below_a_path(self):
        for status, reason in ((410, "Expired"), (429, "TooManyRequests"), (500, "InternalError"),
                               (503, "ServiceUnavailable")):  # fmt: skip
            with self.subTest(status):
                self.cluster.faults.answer(status, path=PODS, times=2)
                self.assertEqual(self.client.get("/api/v1/nodes")[0], 200)
                said = [self.client.get(PODS) for _ in range(3)]
                self.assertEqual([code for code, _ in said], [status, status, 200])
                self.assertEqual((said[0][1]["kind"], said[0][1]["reason"]), ("Status", reason))

    def test_when_to_come_again(self):
        self.cluster.faults.answer(429, retry_after=7)
        answer = self.client.send("GET", PODS)
        said = json.loads(answer.read())
        self.assertEqual((answer.headers["retry-after"], said["details"]), ("7", {"retryAfterSeconds": 7}))

    def test_only_of_a_verb_or_a_user(self):
        self.cluster.identities.add("a", "alice")
        self.cluster.identities.add("b", "bob")
        alice, bob = self.connect(token="a"), self.connect(token="b")
        self.cluster.faults.answer(500, verb="watch", user="alice", times=None)
        self.assertEqual(alice.get(PODS)[0], 200)
        self.assertEqual(bob.watch(PODS, timeoutSeconds=1).answer.status, 200)
        self.assertEqual(alice.get(PODS, watch="1")[0], 500)

    def test_a_watch_that_is_gone_before_it_begins(self):
        self.cluster.faults.answer(410, verb="watch")
        self.assertEqual(self.client.get(PODS, watch="1")[0], 410)
        self.cluster.put(pod("a"))
        self.assertEqual(self.watch(PODS).brief(), ("ADDED", "a"))

    def test_forgetting(self):
        version = self.version()
        self.cluster.faults.forget()
        self.assertEqual(self.watch(PODS, resourceVersion=version).next()["object"]["code"], 410)
        fresh = self.client.get(PODS)[1]["metadata"]["resourceVersion"]
        watch = self.watch(PODS, resourceVersion=fresh)
        self.cluster.put(pod("a"))
        self.assertEqual(watch.brief(), ("ADDED", "a"))

    def test_a_dropped_watch_ends_in_the_middle(self):
        pods, maps = self.watch(PODS), self.watch("/api/v1/configmaps")
        self.assertEqual(self.cluster.faults.drop(path=PODS), 1)
        with self.assertRaises(CUTS):
            pods.next()
        self.cluster.put(config_map("a"))
        self.assertEqual(maps.brief(), ("ADDED", "a"))
        self.cluster.wait(lambda: len(list(self.cluster.watches)) == 1, DEADLINE)

    def test_half_an_event(self):
        watch = self.watch(PODS)
        self.cluster.put(pod("a"))
        self.assertEqual(watch.brief(), ("ADDED", "a"))
        self.cluster.faults.truncate(path=PODS)
        self.cluster.put(pod("b"))
        with self.assertRaises(CUTS):
            watch.next()
        self.assertTrue(watch.rest.startswith(b'{"type":"ADDED","object":{'), watch.rest)
        self.assertEqual(self.watch(PODS).brief(), ("ADDED", "a"))

    def test_half_a_list(self):
        self.cluster.faults.truncate(path=PODS)
        with self.assertRaises(CUTS):
            self.client.get(PODS)
        self.assertEqual(self.connect().get(PODS)[0], 200)

    def test_a_malformed_event_in_a_watch_that_goes_on(self):
        watch = self.watch(PODS)
        self.cluster.faults.malform(path=PODS)
        self.cluster.put(pod("a"))
        self.cluster.put(pod("b"))
        with self.assertRaises(ValueError):
            watch.next()
        self.assertEqual(watch.brief(), ("ADDED", "b"))

    def test_a_delay_is_until_it_is_healed(self):
        self.cluster.faults.delay(1, path=PODS)
        self.assertEqual([self.client.get(PODS)[0] for _ in range(2)], [200, 200])
        self.cluster.faults.answer(500, times=None)
        self.assertEqual([self.client.get(PODS)[0] for _ in range(2)], [500, 500])
        self.cluster.faults.heal()
        self.assertEqual(self.client.get(PODS)[0], 200)

    def test_a_silent_partition(self):
        watch, client, said = self.watch(PODS), self.connect(), []

        def ask():
            try:
                said.append(client.get(PODS))
            except CUTS:
                said.append("cut")

        self.cluster.faults.partition()
        thread = threading.Thread(target=ask)
        thread.start()
        self.cluster.wait(lambda: self.cluster.faults.held == 1, DEADLINE)
        self.cluster.put(pod("a"))
        self.assertEqual(said, [])
        self.cluster.faults.heal()
        thread.join(DEADLINE)
        self.assertEqual(said, ["cut"])
        self.assertEqual(self.cluster.counters.total(verb="list"), 0)
        self.assertEqual(watch.brief(), ("ADDED", "a"))  # as what was under way arrives then

    def test_a_partition_that_refuses(self):
        watch = self.watch(PODS)
        self.cluster.faults.partition(refuse=True)
        with self.assertRaises(CUTS):
            watch.next()
        with self.assertRaises(ConnectionRefusedError):
            self.connect().get(PODS)
        self.cluster.faults.heal()
        self.assertEqual(self.connect().get(PODS)[0], 200)

    def test_what_was_asked_is_counted(self):
        self.client.get(PODS)
        self.client.get(PODS)
        self.client.get(f"{PODS}/none")
        self.client.ask("POST", PODS, pod("a"))
        total = self.cluster.counters.total
        self.assertEqual(total(verb="list", pattern="/api/v1/namespaces/{namespace}/pods", code=200), 2)
        self.assertEqual(total(verb="get", pattern="/api/v1/namespaces/{namespace}/pods/{name}", code=404), 1)
        self.assertEqual(total(verb="create", user="system:admin"), 1)
        self.assertEqual(total(), 4)
        watch = self.watch(PODS)
        self.cluster.wait(lambda: list(self.cluster.watches), DEADLINE)
        (one,) = self.cluster.watches
        self.assertEqual((one.user, one.resource, one.path), ("system:admin", "pods", PODS))
        self.assertEqual((watch.answer.status, total(verb="watch")), (200, 1))
        self.cluster.counters.clear()
        self.assertEqual(total(), 0)

    def test_noise_is_no_end(self):
        with socket.create_connection(("127.0.0.1", self.cluster.server.port)) as noise:
            noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(self.client.get(PODS)[0], 200)
        for length in ("-1", "x"):
            client = self.connect()
            client.connection.putrequest("POST", PODS)
            client.connection.putheader("Content-Length", length)
            client.connection.endheaders()
            self.assertEqual(client.connection.getresponse().status, 400)
        chunked = self.connect()
        body = json.dumps(pod("chunked")).encode()
        head = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        parts = iter((body[:9], body[9:]))
        chunked.connection.request("POST", PODS, parts, head, encode_chunked=True)
        self.assertEqual(chunked.connection.getresponse().status, 201)


class Program(KubeCase):
    """The same as a process of its own."""

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.makedirs(f"{folder}/objects/deeper")
        with open(f"{folder}/objects/pods.json", "w", encoding="utf-8") as file:
            json.dump(
                {"apiVersion": "v1", "kind": "List", "items": [pod("a", "shop"), pod("b", "shop")]}, file
            )
        with open(f"{folder}/objects/deeper/map.json", "w", encoding="utf-8") as file:
            json.dump(config_map("m", "shop"), file)
        with open(f"{folder}/tokens.json", "w", encoding="utf-8") as file:
            json.dump({"secret": {"user": "alice", "groups": ["system:masters"]}}, file)
        program = [
            sys.executable,
            "-m",
            "EndToEnd.kube",
            "--cert",
            self.pair.certificate,
            "--key",
            self.pair.key,
        ]
        program += [
            "--objects",
            f"{folder}/objects",
            "--crds",
            "security.istio.io",
            "--window",
            "2",
            "--rbac",
        ]
        program += ["--tokens", f"{folder}/tokens.json", "--client-ca", self.certificates.root.certificate]
        self.process = subprocess.Popen(
            program, env=os.environ | {"PYTHONPATH": TESTS}, stdout=subprocess.PIPE
        )
        self.addCleanup(self.stop)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.client = self.connect(token="secret")

    def stop(self):
        self.process.terminate()
        self.assertEqual(self.process.wait(DEADLINE), 0)
        self.process.stdout.close()

    def test_it_serves_what_it_was_given(self):
        self.assertEqual(names(self.client.get("/api/v1/namespaces/shop/pods")[1]), ["a", "b"])
        self.assertEqual(self.client.get("/api/v1/namespaces/shop/configmaps/m")[0], 200)
        self.assertEqual(self.client.get("/apis/security.istio.io/v1/peerauthentications")[0], 200)
        self.assertEqual(self.connect().get(PODS)[0], 401)
        bob = self.connect(certificate=self.certificates.user("bob"))
        self.assertEqual(bob.get(PODS)[0], 403)

    def test_orders(self):
        orders = self.connect()

        def order(path, body):
            status, said = orders.ask("POST", f"/test/{path}", body)
            self.assertEqual(status, 200, said)
            return said

        order("faults", {"fault": "answer", "status": 503, "path": PODS, "times": 1})
        self.assertEqual([self.client.get(PODS)[0] for _ in range(2)], [503, 200])
        order("objects", pod("c", "shop") | {"status": {"phase": "Running"}})
        self.assertEqual(self.client.get("/api/v1/namespaces/shop/pods/c")[1]["status"]["phase"], "Running")
        order("tokens", {"other": {"user": "carol"}})
        self.assertEqual(self.connect(token="other").get(PODS)[0], 403)
        watch = self.connect(token="secret").watch(PODS, allowWatchBookmarks="true")
        order("bookmarks", {})
        self.assertEqual(watch.next()["type"], "BOOKMARK")
        counters = orders.get("/test/counters")[1]
        self.assertEqual([one["user"] for one in counters["watches"]], ["alice"])
        self.assertEqual([one["user"] for one in counters["refused"]], ["carol"])
        self.assertIn(503, [one["code"] for one in counters["requests"]])
        self.assertEqual(order("faults", {"fault": "drop"}), {"fault": "drop", "dropped": 1})
        watch.answer.close()
        order("faults", {"fault": "partition", "refuse": True})
        with self.assertRaises(ConnectionRefusedError):
            self.connect().get(PODS)
        order("faults", {"fault": "heal"})
        self.assertEqual(self.connect(token="secret").get(PODS)[0], 200)
        for wrong in ({"fault": "fly"}, {"fault": "answer"}, {"fault": "answer", "color": "red"}):
            self.assertEqual(orders.ask("POST", "/test/faults", wrong)[0], 400)

    def test_a_directory_that_cannot_be_read_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/a.yaml", "w", encoding="utf-8") as file:
                file.write("kind: Pod\n")
            program = [sys.executable, "-m", "EndToEnd.kube", "--objects", folder]
            program += ["--cert", self.pair.certificate, "--key", self.pair.key]
            answer = subprocess.run(
                program,
                env=os.environ | {"PYTHONPATH": TESTS},
                capture_output=True,
                text=True,
                timeout=DEADLINE,
            )
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("a.yaml is not JSON", answer.stderr)


if __name__ == "__main__":
    unittest.main()
