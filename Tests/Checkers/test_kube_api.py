"""The tests' API server reads, lists and watches as a Kubernetes API server does."""

import threading
import unittest

from .kube import DEADLINE, KubeCase, config_map, names, pod

PODS, ALL_PODS = "/api/v1/namespaces/default/pods", "/api/v1/pods"
POLICIES = "/apis/security.istio.io/v1/authorizationpolicies"


class Lists(KubeCase):
    def put(self, *those):
        for name in those:
            self.cluster.put(pod(name))

    def test_a_list_is_of_one_namespace_or_of_all(self):
        self.put("b", "a")
        self.cluster.put(pod("c", "other"))
        status, listed = self.client.get(PODS)
        self.assertEqual((status, listed["kind"], names(listed)), (200, "PodList", ["a", "b"]))
        self.assertEqual(listed["metadata"], {"resourceVersion": self.version()})
        self.assertEqual(names(self.client.get(ALL_PODS)[1]), ["a", "b", "c"])
        self.assertNotIn("kind", listed["items"][0])  # of built-in kinds

    def test_pages_are_of_the_version_of_the_first(self):
        self.put("a", "b", "c", "d", "e")
        first = self.client.get(PODS, limit=2)[1]
        self.assertEqual(names(first), ["a", "b"])
        self.assertEqual(first["metadata"]["remainingItemCount"], 3)
        self.cluster.delete("Pod", "default", "c")
        self.cluster.change("Pod", "default", "d", lambda it: it["metadata"].update(labels={"new": "yes"}))
        self.put("ca")
        second = self.client.get(PODS, **{"limit": 2, "continue": first["metadata"]["continue"]})[1]
        self.assertEqual(names(second), ["c", "d"])
        self.assertNotIn("labels", second["items"][1]["metadata"])
        last = self.client.get(PODS, **{"limit": 2, "continue": second["metadata"]["continue"]})[1]
        self.assertEqual(names(last), ["e"])
        self.assertNotIn("continue", last["metadata"])
        self.assertEqual({one["metadata"]["resourceVersion"] for one in (first, second, last)},
                         {first["metadata"]["resourceVersion"]})  # fmt: skip
        self.assertEqual(names(self.client.get(PODS)[1]), ["a", "b", "ca", "d", "e"])

    def test_a_page_asked_for_too_late_is_gone_and_can_go_on_inexactly(self):
        self.put("a", "b", "c")
        token = self.client.get(PODS, limit=1)[1]["metadata"]["continue"]
        self.cluster.faults.forget()
        self.put("ab")
        status, gone = self.client.get(PODS, **{"limit": 1, "continue": token})
        self.assertEqual((status, gone["reason"], gone["code"]), (410, "Expired", 410))
        fresh = self.client.get(PODS, **{"continue": gone["metadata"]["continue"]})[1]
        self.assertEqual(names(fresh), ["ab", "b", "c"])

    def test_a_token_of_something_else_is_refused(self):
        self.assertEqual(self.client.get(PODS, **{"continue": "x"})[0], 400)

    def test_selectors(self):
        self.cluster.put(pod("a", labels={"app": "web", "tier": "front"}, node="one"))
        self.cluster.put(pod("b", labels={"app": "db"}, node="two"))
        self.cluster.put(pod("c", node="one"))
        for selector, expected in (
            ("app=web", ["a"]), ("app==db", ["b"]), ("app!=web", ["b", "c"]), ("app", ["a", "b"]),
            ("!app", ["c"]), ("app in (web, db)", ["a", "b"]), ("app notin (web)", ["b", "c"]),
            ("app in (web,db),tier", ["a"]), ("app,!tier", ["b"]),
        ):  # fmt: skip
            with self.subTest(selector):
                self.assertEqual(names(self.client.get(PODS, labelSelector=selector)[1]), expected)
        for selector, expected in (
            ("metadata.name=b", ["b"]), ("spec.nodeName=one", ["a", "c"]), ("spec.nodeName!=one", ["b"]),
            ("metadata.namespace=default,spec.nodeName=two", ["b"]), ("metadata.namespace=x", []),
        ):  # fmt: skip
            with self.subTest(selector):
                self.assertEqual(names(self.client.get(ALL_PODS, fieldSelector=selector)[1]), expected)
        for query in ({"labelSelector": "a=b=c"}, {"fieldSelector": "spec.color=red"}, {"limit": "many"}):
            with self.subTest(query):
                self.assertEqual(self.client.get(PODS, **query)[0], 400)

    def test_versions_of_lists(self):
        self.put("a")
        version = self.version()
        self.put("b")
        for query, expected in (
            ({"resourceVersion": version, "resourceVersionMatch": "Exact"}, ["a"]),
            ({"resourceVersion": version, "resourceVersionMatch": "NotOlderThan"}, ["a", "b"]),
            ({"resourceVersion": version}, ["a", "b"]),
            ({"resourceVersion": version, "limit": 5}, ["a"]),
            ({"resourceVersion": "0", "limit": 1}, ["a", "b"]),
        ):
            with self.subTest(query):
                self.assertEqual(names(self.client.get(PODS, **query)[1]), expected)
        status, said = self.client.get(PODS, resourceVersion=int(self.version()) + 5)
        self.assertEqual((status, said["details"]["causes"][0]["reason"]), (504, "ResourceVersionTooLarge"))
        self.assertEqual(self.client.get(PODS, resourceVersionMatch="Exact")[0], 422)
        self.cluster.faults.forget()
        exact = {"resourceVersion": version, "resourceVersionMatch": "Exact"}
        self.assertEqual(self.client.get(PODS, **exact)[0], 410)
        self.assertEqual(self.client.get(PODS, resourceVersion=version)[0], 200)


class Watching(KubeCase):
    def test_without_a_version_what_is_there_comes_first(self):
        self.cluster.put(pod("a"))
        watch = self.watch(PODS)
        self.assertEqual(watch.answer.headers["transfer-encoding"], "chunked")
        self.assertEqual(watch.brief(), ("ADDED", "a"))
        self.cluster.put(pod("b"))
        self.cluster.change("Pod", "default", "b", lambda it: it["metadata"].update(labels={"x": "y"}))
        self.cluster.put(pod("elsewhere", "other"))
        self.cluster.delete("Pod", "default", "b")
        events = [watch.next() for _ in range(3)]
        self.assertEqual([one["type"] for one in events], ["ADDED", "MODIFIED", "DELETED"])
        versions = [int(one["object"]["metadata"]["resourceVersion"]) for one in events]
        self.assertEqual(versions, sorted(set(versions)))
        self.assertEqual(events[2]["object"]["metadata"]["labels"], {"x": "y"})
        self.assertEqual((events[0]["object"]["kind"], events[0]["object"]["apiVersion"]), ("Pod", "v1"))

    def test_a_watch_resumes_behind_a_version(self):
        self.cluster.put(pod("a"))
        version = self.version()
        self.cluster.put(pod("b"))
        self.cluster.put(pod("a") | {"status": {"phase": "Running"}})
        watch = self.watch(PODS, resourceVersion=version)
        self.assertEqual([watch.brief(), watch.brief()], [("ADDED", "b"), ("MODIFIED", "a")])
        self.cluster.delete("Pod", "default", "a")
        self.assertEqual(watch.brief(), ("DELETED", "a"))

    def test_the_window_is_bounded_and_what_is_older_is_an_error_event(self):
        cluster = self.start(window=3)
        cluster.put(pod("a"))
        version = cluster.store.version
        for number in range(3):
            cluster.put(config_map("c", data={"number": str(number)}))
        watch = self.watch(PODS, resourceVersion=version)
        cluster.put(pod("b"))
        self.assertEqual(watch.brief(), ("ADDED", "b"))
        late = self.watch(PODS, resourceVersion=version)
        event = late.next()
        self.assertEqual(
            (event["type"], event["object"]["code"], event["object"]["reason"]), ("ERROR", 410, "Expired")
        )
        self.assertIsNone(late.next())
        self.assertEqual(late.answer.status, 200)

    def test_bookmarks_only_for_those_who_want_them(self):
        wants, does_not = self.watch(PODS, allowWatchBookmarks="true", resourceVersion="0"), self.watch(PODS)
        self.cluster.put(config_map("c"))
        self.cluster.watches.mark()
        mark = wants.next()
        self.assertEqual((mark["type"], mark["object"]["kind"]), ("BOOKMARK", "Pod"))
        self.assertEqual(mark["object"]["metadata"]["resourceVersion"], self.version())
        self.cluster.put(pod("a"))
        self.assertEqual(does_not.brief(), ("ADDED", "a"))

    def test_bookmarks_come_by_themselves(self):
        self.start(bookmark_seconds=0.01)
        watch = self.watch(PODS, allowWatchBookmarks="1")
        self.assertEqual([watch.next()["type"] for _ in range(3)], ["BOOKMARK"] * 3)

    def test_a_timeout_ends_the_stream_and_the_connection_is_good(self):
        client = self.connect()
        watch = client.watch(PODS, timeoutSeconds=1, allowWatchBookmarks="true")
        self.assertEqual(watch.next()["type"], "BOOKMARK")
        self.assertIsNone(watch.next())
        socket = client.connection.sock
        self.assertEqual(client.get(PODS)[0], 200)
        self.assertIs(client.connection.sock, socket)

    def test_a_selector_makes_events_of_what_comes_and_goes(self):
        watch = self.watch(PODS, labelSelector="app=web")
        self.cluster.put(pod("a", labels={"app": "db"}))
        for app in ("web", "web2", "web"):
            self.cluster.put(pod("a", labels={"app": app}))
        self.cluster.put(pod("a", labels={"app": "web", "more": "1"}))
        self.assertEqual([watch.brief()[0] for _ in range(4)], ["ADDED", "DELETED", "ADDED", "MODIFIED"])

    def test_initial_events(self):
        self.cluster.put(pod("a"))
        match = {"resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        watch = self.watch(PODS, sendInitialEvents="true", **match)
        self.assertEqual(watch.brief(), ("ADDED", "a"))
        mark = watch.next()["object"]["metadata"]
        self.assertEqual(mark["annotations"], {"k8s.io/initial-events-end": "true"})
        self.assertEqual(mark["resourceVersion"], self.version())
        self.assertEqual(self.client.get(PODS, watch="1", sendInitialEvents="true")[0], 422)

    def test_sixty_watches_hear_the_same_and_are_counted_until_they_end(self):
        clients = [self.connect() for _ in range(60)]
        watches = [client.watch(PODS) for client in clients]
        self.assertEqual(len(list(self.cluster.watches)), 60)
        heard = []
        threads = [threading.Thread(target=lambda it=it: heard.append(it.brief())) for it in watches]
        for thread in threads:
            thread.start()
        self.cluster.put(pod("a"))
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(heard, [("ADDED", "a")] * 60)
        for client, watch in zip(clients, watches):
            watch.answer.close()
            client.close()
        self.cluster.wait(lambda: not list(self.cluster.watches), DEADLINE)


class Definitions(KubeCase):
    def test_what_is_absent_is_not_found(self):
        status, text = self.client.get(POLICIES)
        self.assertEqual((status, text), (404, "404 page not found\n"))
        self.cluster.install_crds("security.istio.io", kinds=["PeerAuthentication"])
        status, said = self.client.get(POLICIES)
        message = "the server could not find the requested resource"
        self.assertEqual(
            (status, said["kind"], said["reason"], said["message"]), (404, "Status", "NotFound", message)
        )
        self.assertEqual(self.client.get("/api/v1/somethings")[1]["message"], message)
        self.assertEqual(self.client.get(f"{PODS}/none")[1]["message"], 'pods "none" not found')
        self.assertEqual(self.client.get(f"{POLICIES.replace('/v1/', '/v9/')}")[0], 404)

    def test_definitions_come_and_go(self):
        self.cluster.install_crds("security.istio.io")
        self.assertEqual(self.client.get(POLICIES)[0], 200)
        for version in ("v1", "v1beta1"):
            watch = self.watch(POLICIES.replace("v1", version))
            policy = {"kind": "AuthorizationPolicy", "apiVersion": "security.istio.io/v1", "spec": {}}
            self.cluster.put(policy | {"metadata": {"name": version, "namespace": "default"}})
            event = watch.next()
            while event["object"]["metadata"]["name"] != version:
                event = watch.next()
            self.assertEqual(event["object"]["apiVersion"], f"security.istio.io/{version}")
        items = self.client.get(POLICIES)[1]["items"]
        self.assertEqual({one["kind"] for one in items}, {"AuthorizationPolicy"})
        self.cluster.remove_crds("security.istio.io")
        self.assertEqual([watch.brief()[0], watch.brief()[0], watch.next()], ["DELETED", "DELETED", None])
        self.assertEqual(self.client.get(POLICIES)[0], 404)
        self.cluster.install_crds("security.istio.io")
        self.assertEqual(self.client.get(POLICIES)[1]["items"], [])

    def test_definitions_over_the_api(self):
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        names = {"kind": "Thing", "plural": "things", "singular": "thing"}
        version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
        made = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.com"},
            "spec": {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]},
        }  # fmt: skip
        made["spec"]["versions"].append({"name": "v2", "served": False})
        self.assertEqual(self.client.ask("POST", path, made | {"spec": {"names": names}})[0], 400)
        unserved = made["spec"] | {"versions": [version | {"served": False}]}
        self.assertEqual(self.client.ask("POST", path, made | {"spec": unserved})[0], 422)
        self.assertEqual(self.client.ask("POST", path, made, dryRun="All")[0], 201)
        self.assertEqual(self.client.get("/apis/example.com/v1/things")[0], 404)
        status, stored = self.client.ask("POST", path, made)
        self.assertEqual(status, 201)
        conditions = {one["type"]: one["status"] for one in stored["status"]["conditions"]}
        self.assertEqual(conditions, {"Established": "True", "NamesAccepted": "True"})
        things = "/apis/example.com/v1/things"
        thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"x": 1}}
        self.assertEqual(self.client.ask("POST", things, thing)[0], 201)
        self.assertEqual(self.client.get("/apis/example.com/v2/things")[0], 404)
        self.assertEqual(self.client.ask("DELETE", f"{path}/things.example.com")[0], 200)
        self.assertEqual(self.client.get(things)[0], 404)

    def test_discovery(self):
        self.assertEqual(self.client.get("/version")[1]["major"], "1")
        self.assertEqual(self.client.get("/api")[1]["versions"], ["v1"])
        self.cluster.install_crds("gateway.networking.k8s.io")
        groups = {one["name"]: one for one in self.client.get("/apis")[1]["groups"]}
        gateway = groups["gateway.networking.k8s.io"]
        self.assertEqual([one["version"] for one in gateway["versions"]], ["v1", "v1beta1", "v1alpha2"])
        self.assertEqual(gateway["preferredVersion"]["version"], "v1")
        self.assertNotIn("security.istio.io", groups)
        core = {one["name"]: one for one in self.client.get("/api/v1")[1]["resources"]}
        self.assertTrue(core["pods"]["namespaced"])
        self.assertFalse(core["nodes"]["namespaced"])
        self.assertIn("pods/status", core)
        self.assertNotIn("secrets/status", core)
        of_gateway = self.client.get("/apis/gateway.networking.k8s.io/v1beta1")[1]
        self.assertEqual(
            [one["name"] for one in of_gateway["resources"] if "/" not in one["name"]],
            ["gatewayclasses", "gateways", "httproutes", "referencegrants"],
        )
        self.assertEqual(self.client.get("/apis/security.istio.io/v1")[0], 404)
        self.assertEqual(self.client.get("/apis/security.istio.io")[0], 404)


if __name__ == "__main__":
    unittest.main()
