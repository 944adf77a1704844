"""The tests' API server creates, updates, patches, applies and deletes as a Kubernetes API server does."""

import json

from .kube import (
    APPLY, DEADLINE, JSON_PATCH, MERGE, STRATEGIC, KubeCase, config_map, names, pod,
)  # fmt: skip

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes"


def deployment(name="web", **spec):
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def lease(holder, **metadata):
    metadata |= {"name": "leader"}
    spec = {"holderIdentity": holder}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


class Writes(KubeCase):
    def test_creation(self):
        before = self.cluster.store.version
        status, made = self.client.ask("POST", MAPS, config_map("a", data={"x": "1"}))
        self.assertEqual((status, made["kind"], made["data"]), (201, "ConfigMap", {"x": "1"}))
        metadata = made["metadata"]
        self.assertEqual(int(metadata["resourceVersion"]), before + 1)
        self.assertEqual(metadata["namespace"], "default")
        self.assertRegex(metadata["creationTimestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        other = self.client.ask("POST", MAPS, config_map("b"))[1]["metadata"]
        self.assertNotEqual(other["uid"], metadata["uid"])
        self.assertEqual(self.client.get(f"{MAPS}/a")[1], made)
        status, said = self.client.ask("POST", MAPS, config_map("a"))
        self.assertEqual((status, said["reason"]), (409, "AlreadyExists"))
        self.assertEqual(said["message"], 'configmaps "a" already exists')

    def test_what_is_not_created(self):
        for path, thing, expected in (
            (MAPS, config_map("a", "other"), 400),
            (MAPS, pod("a"), 400),
            (MAPS, config_map("A_b"), 422),
            (MAPS, config_map(""), 422),
            (MAPS, b"{", 400),
            (MAPS, b"[]", 400),
            (MAPS, config_map("a") | {"metadata": []}, 400),
            (MAPS, config_map("a", labels={"a": 1}), 400),
            (MAPS, config_map("a", labels=["a"]), 400),
            (MAPS, config_map("a", finalizers=[1]), 400),
            (MAPS, config_map("a", ownerReferences=["x"]), 400),
            (MAPS, config_map("a") | {"apiVersion": 1}, 400),
            (PODS, pod("a") | {"spec": "x"}, 400),
            (MAPS, config_map("a", resourceVersion="5"), 400),
            (MAPS.replace("default", "absent"), config_map("a", "absent"), 404),
            ("/api/v1/configmaps", config_map("a"), 405),
            (f"{MAPS}/a", config_map("a"), 405),
        ):
            with self.subTest(path=path, thing=thing):
                self.assertEqual(self.client.ask("POST", path, thing)[0], expected)
        protobuf = "application/vnd.kubernetes.protobuf"
        self.assertEqual(self.client.ask("POST", MAPS, b"k8s", protobuf)[0], 415)
        self.assertEqual(self.client.ask("POST", MAPS, config_map("a", data={"x": "y" * (3 << 20)}))[0], 413)
        self.assertEqual(names(self.connect().get(MAPS)[1]), [])

    def test_generated_names(self):
        made = config_map("", generateName="a-")
        one, other = (self.client.ask("POST", MAPS, made)[1]["metadata"]["name"] for _ in range(2))
        self.assertTrue(one.startswith("a-"))
        self.assertNotEqual(one, other)

    def test_updates_of_a_version(self):
        made = self.client.ask("POST", MAPS, config_map("a"))[1]
        status, first = self.client.ask("PUT", f"{MAPS}/a", made | {"data": {"x": "1"}})
        self.assertEqual(status, 200)
        self.assertGreater(
            int(first["metadata"]["resourceVersion"]), int(made["metadata"]["resourceVersion"])
        )
        status, said = self.client.ask("PUT", f"{MAPS}/a", made | {"data": {"x": "2"}})
        self.assertEqual((status, said["reason"]), (409, "Conflict"))
        status, last = self.client.ask("PUT", f"{MAPS}/a", config_map("a", data={"x": "3"}))
        self.assertEqual((status, last["metadata"]["uid"]), (200, made["metadata"]["uid"]))
        self.assertEqual(self.client.ask("PUT", f"{MAPS}/b", config_map("b"))[0], 404)
        self.assertEqual(self.client.ask("PUT", f"{MAPS}/a", config_map("b"))[0], 400)
        self.assertEqual(self.client.ask("PUT", f"{MAPS}/a", config_map("a", uid="else"))[0], 409)

    def test_an_update_that_changes_nothing_is_nothing(self):
        made = self.client.ask("POST", MAPS, config_map("a", data={"x": "1"}))[1]
        watch = self.watch(MAPS, resourceVersion=self.version())
        self.assertEqual(self.client.ask("PUT", f"{MAPS}/a", made)[1], made)
        self.client.ask("PUT", f"{MAPS}/a", config_map("a", data={"x": "1"}))
        self.client.ask("POST", MAPS, config_map("b"))
        self.assertEqual(watch.brief(), ("ADDED", "b"))

    def test_a_dry_run_stores_nothing(self):
        self.assertEqual(self.client.ask("POST", MAPS, config_map("a"), dryRun="All")[0], 201)
        self.assertEqual(self.client.get(f"{MAPS}/a")[0], 404)
        self.client.ask("POST", MAPS, config_map("a"))
        for query in ({"dryRun": "All"}, {"gracePeriodSeconds": "soon"}):
            self.client.ask("DELETE", f"{MAPS}/a", **query)
        self.client.ask("DELETE", f"{MAPS}/a", {"dryRun": ["All"]})
        self.assertEqual(self.client.get(f"{MAPS}/a")[0], 200)

    def test_one_of_many_gets_the_lease(self):
        held = self.client.ask("POST", LEASES, lease("nobody"))[1]
        answers = []
        for holder in ("a", "b", "c"):
            mine = lease(holder, resourceVersion=held["metadata"]["resourceVersion"])
            answers.append(self.client.ask("PUT", f"{LEASES}/leader", mine)[0])
        self.assertEqual(answers, [200, 409, 409])
        self.assertEqual(self.client.get(f"{LEASES}/leader")[1]["spec"]["holderIdentity"], "a")
        self.assertEqual(self.client.ask("PUT", f"{LEASES}/leader", lease("d"))[0], 422)

    def test_services_get_addresses_and_secrets_data(self):
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
        service |= {"spec": {"ports": [{"port": 80}]}}
        path = "/api/v1/namespaces/default/services"
        made = self.client.ask("POST", path, service)[1]["spec"]
        self.assertEqual(made["ports"], [{"port": 80, "protocol": "TCP", "targetPort": 80}])
        again = self.client.ask("PUT", f"{path}/a", service)[1]["spec"]
        self.assertEqual(again["clusterIP"], made["clusterIP"])
        other = self.client.ask("POST", path, service | {"metadata": {"name": "b"}})[1]["spec"]
        self.assertNotEqual(other["clusterIP"], made["clusterIP"])
        self.assertEqual(other["clusterIPs"], [other["clusterIP"]])
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
        stored = self.client.ask("POST", "/api/v1/namespaces/default/secrets", secret)[1]
        self.assertEqual((stored["data"], "stringData" in stored), ({"a": "Yg=="}, False))


class Statuses(KubeCase):
    def test_the_status_is_apart(self):
        status = {"replicas": 1}
        made = self.client.ask("POST", DEPLOYMENTS, deployment(replicas=1) | {"status": status})[1]
        self.assertNotIn("status", made)
        self.assertEqual(made["metadata"]["generation"], 1)
        changed = made | {"status": status, "spec": {"replicas": 5}}
        changed["metadata"] |= {"labels": {"x": "y"}}
        code, after = self.client.ask("PUT", f"{DEPLOYMENTS}/web/status", changed)
        self.assertEqual((code, after["status"], after["spec"]), (200, status, {"replicas": 1}))
        self.assertEqual(after["metadata"]["generation"], 1)
        self.assertNotIn("labels", after["metadata"])
        code, last = self.client.ask(
            "PUT", f"{DEPLOYMENTS}/web", after | {"spec": {"replicas": 2}, "status": {}}
        )
        self.assertEqual((last["status"], last["metadata"]["generation"]), (status, 2))
        merge = {"metadata": {"labels": {"a": "b"}}}
        labelled = self.client.ask("PATCH", f"{DEPLOYMENTS}/web", merge, MERGE)[1]
        self.assertEqual(labelled["metadata"]["generation"], 2)
        self.assertEqual(self.client.get(f"{DEPLOYMENTS}/web/status")[1], labelled)

    def test_the_status_has_its_own_conflicts_and_not_every_kind_has_one(self):
        made = self.client.ask("POST", DEPLOYMENTS, deployment())[1]
        self.client.ask("PATCH", f"{DEPLOYMENTS}/web/status", {"status": {"replicas": 1}}, MERGE)
        self.assertEqual(self.client.ask("PUT", f"{DEPLOYMENTS}/web/status", made)[0], 409)
        self.client.ask("POST", MAPS, config_map("a"))
        self.assertEqual(self.client.get(f"{MAPS}/a/status")[0], 404)
        self.assertEqual(self.client.ask("DELETE", f"{DEPLOYMENTS}/web/status")[0], 405)

    def test_custom_kinds_too(self):
        self.cluster.install_crds("gateway.networking.k8s.io")
        route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}}
        made = self.client.ask("POST", ROUTES, route | {"spec": {"a": 1}, "status": {"parents": []}})[1]
        self.assertNotIn("status", made)
        beta = ROUTES.replace("/v1/", "/v1beta1/")
        status, after = self.client.ask("PATCH", f"{beta}/r/status", {"status": {"parents": [1]}}, MERGE)
        self.assertEqual((status, after["apiVersion"]), (200, "gateway.networking.k8s.io/v1beta1"))
        self.assertEqual((after["status"], after["metadata"]["generation"]), ({"parents": [1]}, 1))
        self.assertEqual(self.client.ask("PUT", f"{ROUTES}/r", route)[0], 422)  # of which version?
        self.assertEqual(self.client.ask("POST", beta, route)[0], 400)  # this is v1
        self.assertEqual(self.client.ask("POST", ROUTES, {"metadata": {"name": "s"}})[0], 400)


class Patches(KubeCase):
    def setUp(self):
        super().setUp()
        self.made = self.client.ask("POST", MAPS, config_map("a", data={"x": "1", "y": "2"}))[1]

    def patch(self, patch, content_type, path=f"{MAPS}/a", **query):
        return self.client.ask("PATCH", path, patch, content_type, **query)

    def test_merge(self):
        after = self.patch({"data": {"x": None, "z": "3"}, "metadata": {"labels": {"l": "m"}}}, MERGE)[1]
        self.assertEqual((after["data"], after["metadata"]["labels"]), ({"y": "2", "z": "3"}, {"l": "m"}))
        stale = {"metadata": {"resourceVersion": self.made["metadata"]["resourceVersion"]}, "data": None}
        self.assertEqual(self.patch(stale, MERGE)[0], 409)
        self.assertEqual(self.patch({"kind": "Pod"}, MERGE)[0], 400)
        self.assertEqual(self.patch({}, MERGE, f"{MAPS}/none")[0], 404)
        self.assertEqual(self.patch({}, "text/plain")[0], 415)

    def test_json(self):
        after = self.patch([
            {"op": "test", "path": "/data/x", "value": "1"},
            {"op": "replace", "path": "/data/x", "value": "5"},
            {"op": "move", "from": "/data/y", "path": "/data/w~1v"},
            {"op": "copy", "from": "/data/x", "path": "/data/q"},
            {"op": "add", "path": "/metadata/finalizers", "value": ["b.test/d"]},
            {"op": "add", "path": "/metadata/finalizers/0", "value": "b.test/c"},
            {"op": "add", "path": "/metadata/finalizers/-", "value": "b.test/e"},
            {"op": "remove", "path": "/metadata/finalizers/1"},
        ], JSON_PATCH)[1]  # fmt: skip
        self.assertEqual(after["data"], {"x": "5", "w/v": "2", "q": "5"})
        self.assertEqual(after["metadata"]["finalizers"], ["b.test/c", "b.test/e"])
        for operation in (
            {"op": "test", "path": "/data/x", "value": "no"}, {"op": "remove", "path": "/data/none"},
            {"op": "replace", "path": "/data/none", "value": ""}, {"op": "fly", "path": "/data"},
            {"op": "add", "path": "/metadata/finalizers/9", "value": ""}, {"op": "add", "path": "data"},
        ):  # fmt: skip
            with self.subTest(operation):
                self.assertEqual(self.patch([operation], JSON_PATCH)[0], 422)
        self.assertEqual(self.patch({}, JSON_PATCH)[0], 400)

    def test_strategic_merges_lists_by_their_keys_and_only_for_built_in_kinds(self):
        self.client.ask("POST", PODS, pod("p"))
        more = {"spec": {"containers": [{"name": "side", "image": "i"}, {"name": "main", "image": "i2"}]}}
        after = self.patch(more, STRATEGIC, f"{PODS}/p")[1]["spec"]["containers"]
        self.assertEqual([(one["name"], one["image"]) for one in after], [("main", "i2"), ("side", "i")])
        self.cluster.install_crds("gateway.networking.k8s.io")
        self.cluster.put({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"},
        })  # fmt: skip
        self.assertEqual(self.patch({}, STRATEGIC, f"{ROUTES}/r")[0], 415)


class Deletions(KubeCase):
    def test_what_is_gone(self):
        made = self.client.ask("POST", MAPS, config_map("a"))[1]
        watch = self.watch(MAPS, resourceVersion=self.version())
        status, said = self.client.ask("DELETE", f"{MAPS}/a")
        self.assertEqual(
            (status, said["status"], said["details"]["uid"]), (200, "Success", made["metadata"]["uid"])
        )
        event = watch.next()
        self.assertEqual(
            (event["type"], event["object"]["metadata"]["resourceVersion"]), ("DELETED", self.version())
        )
        self.assertEqual(self.client.ask("DELETE", f"{MAPS}/a")[0], 404)

    def test_preconditions(self):
        made = self.client.ask("POST", MAPS, config_map("a"))[1]["metadata"]
        for wrong in ({"uid": "else"}, {"resourceVersion": "1"}):
            with self.subTest(wrong):
                self.assertEqual(self.client.ask("DELETE", f"{MAPS}/a", {"preconditions": wrong})[0], 409)
        right = {name: made[name] for name in ("uid", "resourceVersion")}
        self.assertEqual(self.client.ask("DELETE", f"{MAPS}/a", {"preconditions": right})[0], 200)

    def test_finalizers(self):
        self.client.ask("POST", MAPS, config_map("a", finalizers=["apus.test/hold"]))
        status, held = self.client.ask("DELETE", f"{MAPS}/a")
        self.assertEqual((status, held["kind"]), (200, "ConfigMap"))
        self.assertIn("deletionTimestamp", held["metadata"])
        again = self.client.ask("DELETE", f"{MAPS}/a")[1]
        self.assertEqual(again["metadata"]["resourceVersion"], held["metadata"]["resourceVersion"])
        watch = self.watch(MAPS, resourceVersion=self.version())
        self.client.ask("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE)
        self.assertEqual([watch.brief()[0], watch.brief()[0]], ["MODIFIED", "DELETED"])
        self.assertEqual(self.client.get(f"{MAPS}/a")[0], 404)

    def owned(self, name, *owners):
        listed = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": uid} for uid in owners]
        return self.client.ask("POST", MAPS, config_map(name, ownerReferences=listed))[1]["metadata"]["uid"]

    def test_what_is_owned_goes_with_its_last_owner(self):
        first, second = self.owned("first"), self.owned("second")
        child = self.owned("child", first)
        self.owned("grandchild", child)
        self.owned("shared", first, second)
        self.client.ask("DELETE", f"{MAPS}/first")
        self.assertEqual(names(self.client.get(MAPS)[1]), ["second", "shared"])
        self.client.ask("DELETE", f"{MAPS}/second", propagationPolicy="Orphan")
        left = self.client.get(MAPS)[1]
        self.assertEqual(names(left), ["shared"])
        self.assertNotIn(second, str(left["items"][0]["metadata"]["ownerReferences"]))

    def test_a_namespace_goes_with_what_is_in_it(self):
        self.cluster.put(config_map("a", "shop"))
        self.cluster.put(pod("p", "shop"))
        watch = self.watch("/api/v1/pods", resourceVersion=self.version())
        self.assertEqual(self.client.ask("DELETE", "/api/v1/namespaces/shop")[0], 200)
        self.assertEqual(watch.brief(), ("DELETED", "p"))
        self.assertEqual(self.client.get("/api/v1/namespaces/shop")[0], 404)
        self.assertEqual(self.client.get("/api/v1/namespaces/shop/configmaps")[1]["items"], [])

    def test_a_collection(self):
        for name, label in (("a", "x"), ("b", "y")):
            self.cluster.put(config_map(name, labels={"l": label}))
        self.assertEqual(self.client.ask("DELETE", MAPS, labelSelector="l=x")[0], 200)
        self.assertEqual(names(self.client.get(MAPS)[1]), ["b"])

    def test_pods_may_take_their_time(self):
        self.cluster.objects.graceful_pods = True
        self.cluster.put(pod("p", node="one"))
        gone = []

        def kubelet(type, thing):
            if type == "MODIFIED" and "deletionTimestamp" in thing["metadata"]:
                gone.append(thing["metadata"]["deletionGracePeriodSeconds"])
                self.cluster.delete("Pod", "default", "p")

        self.cluster.on_change(kubelet, "Pod")
        watch = self.watch(PODS, resourceVersion=self.version())
        self.client.ask("DELETE", f"{PODS}/p", {"gracePeriodSeconds": 7})
        self.assertEqual([watch.brief()[0], watch.brief()[0]], ["MODIFIED", "DELETED"])
        self.assertEqual(gone, [7])


class Applying(KubeCase):
    def apply(self, thing, manager="one", path=f"{MAPS}/a", force=None, expected=(200, 201)):
        query = {"fieldManager": manager} | ({"force": force} if force else {})
        status, after = self.client.ask("PATCH", path, thing, APPLY, **query)
        self.assertIn(status, expected if isinstance(expected, tuple) else (expected,), after)
        return after

    def entries(self, thing):
        listed = thing["metadata"].get("managedFields", [])
        return {
            (one["manager"], one["operation"], one.get("subresource", "")): one["fieldsV1"] for one in listed
        }

    def test_what_is_not_there_is_created(self):
        made = self.apply(config_map("a", data={"x": "1"}), expected=201)
        self.assertEqual(made["data"], {"x": "1"})
        self.assertEqual(self.entries(made), {("one", "Apply", ""): {"f:data": {"f:x": {}}}})
        entry = made["metadata"]["managedFields"][0]
        self.assertEqual((entry["apiVersion"], entry["fieldsType"]), ("v1", "FieldsV1"))
        self.assertEqual(self.apply(config_map("a", data={"x": "1"}), expected=200), made)
        self.apply(config_map("b", resourceVersion="5"), path=f"{MAPS}/b", expected=409)
        status, said = self.client.ask("PATCH", f"{MAPS}/a", config_map("a"), APPLY)
        self.assertEqual((status, "fieldManager" in said["message"]), (422, True))
        self.apply(config_map("a", managedFields=[{}]), expected=400)

    def test_what_is_applied_no_longer_is_removed(self):
        self.apply(config_map("a", data={"x": "1", "y": "2"}, labels={"l": "m"}))
        self.apply(config_map("a", data={"z": "3"}), "two")
        after = self.apply(config_map("a", data={"y": "2"}))
        self.assertEqual(after["data"], {"y": "2", "z": "3"})
        self.assertNotIn("labels", after["metadata"])

    def test_what_two_own_stays_until_both_let_go(self):
        self.apply(config_map("a", data={"x": "1"}))
        self.apply(config_map("a", data={"x": "1"}), "two")
        self.assertEqual(self.apply(config_map("a"))["data"], {"x": "1"})
        self.assertNotIn("x", self.apply(config_map("a"), "two").get("data", {}))

    def test_conflicts_and_force(self):
        self.apply(config_map("a", data={"x": "1", "y": "1"}))
        said = self.apply(config_map("a", data={"x": "2"}), "two", expected=409)
        self.assertEqual(said["details"]["causes"][0]["field"], ".data.x")
        self.assertEqual(
            (said["reason"], said["details"]["causes"][0]["reason"]), ("Conflict", "FieldManagerConflict")
        )
        self.assertIn('conflict with "one"', said["details"]["causes"][0]["message"])
        after = self.apply(config_map("a", data={"x": "2"}), "two", force="true")
        self.assertEqual(after["data"], {"x": "2", "y": "1"})
        self.assertEqual(self.entries(after)["one", "Apply", ""], {"f:data": {"f:y": {}}})
        self.apply(config_map("a", data={"x": "1", "y": "1"}), expected=409)

    def test_an_update_takes_what_it_changes(self):
        made = self.apply(config_map("a", data={"x": "1", "y": "1"}))
        client = self.connect(agent="kubectl/v1.31")
        after = client.ask("PUT", f"{MAPS}/a", made | {"data": {"x": "2", "y": "1"}})[1]
        self.assertEqual(self.entries(after)["kubectl", "Update", ""], {"f:data": {"f:x": {}}})
        self.assertEqual(self.entries(after)["one", "Apply", ""], {"f:data": {"f:y": {}}})
        said = self.apply(config_map("a", data={"x": "1", "y": "1"}), expected=409)
        message = 'Apply failed with 1 conflict: conflict with "kubectl" using v1: .data.x'
        self.assertEqual(said["message"], message)

    def test_items_of_lists_with_keys(self):
        path = f"{DEPLOYMENTS}/web"

        def pods_of(*containers):
            return deployment(template={"spec": {"containers": list(containers)}})

        main = {"name": "main", "image": "i", "env": [{"name": "A", "value": "1"}]}
        self.apply(pods_of(main), path=path)
        side = {"name": "side", "image": "j", "ports": [{"containerPort": 80}]}
        after = self.apply(pods_of(side, {"name": "main", "env": [{"name": "B", "value": "2"}]}), "two", path)
        first, second = after["spec"]["template"]["spec"]["containers"]
        self.assertEqual((first["name"], first["image"], second["image"]), ("main", "i", "j"))
        self.assertEqual([one["name"] for one in first["env"]], ["A", "B"])
        self.apply(pods_of({"name": "side", "image": "k"}), path=path, expected=409)
        after = self.apply(pods_of({"name": "main", "env": []}), "two", path)
        (only,) = after["spec"]["template"]["spec"]["containers"]
        self.assertEqual(only, main)
        self.assertEqual(after["metadata"]["generation"], 3)

    def test_lists_without_keys_are_one_field(self):
        self.cluster.install_crds("gateway.networking.k8s.io")
        route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "r"}}
        hosts = {"spec": {"hostnames": ["a.test", "b.test"]}}
        self.apply(route | hosts, path=f"{ROUTES}/r")
        self.apply(route | {"spec": {"hostnames": ["a.test"]}}, "two", f"{ROUTES}/r", expected=409)
        after = self.apply(route | hosts, "two", f"{ROUTES}/r")
        self.assertEqual(self.entries(after)["two", "Apply", ""], {"f:spec": {"f:hostnames": {}}})

    def test_conditions_by_their_type_through_the_status(self):
        self.cluster.put(deployment())
        path = f"{DEPLOYMENTS}/web/status"

        def said(*conditions, spec=None):
            listed = [{"type": type, "status": status} for type, status in conditions]
            return deployment(**(spec or {})) | {"status": {"conditions": listed}}

        self.apply(said(("Available", "True")), path=path)
        after = self.apply(said(("Bound", "False"), spec={"replicas": 9}), "two", path)
        conditions = {one["type"]: one["status"] for one in after["status"]["conditions"]}
        self.assertEqual(conditions, {"Available": "True", "Bound": "False"})
        self.assertEqual((after["spec"]["replicas"], after["metadata"]["generation"]), (1, 1))
        item = {".": {}, "f:status": {}, "f:type": {}}
        owned = self.entries(after)["two", "Apply", "status"]
        self.assertEqual(owned, {"f:status": {"f:conditions": {'k:{"type":"Bound"}': item}}})
        self.apply(said(("Available", "False")), "two", path, expected=409)
        after = self.apply(said(), "two", path)
        self.assertEqual([one["type"] for one in after["status"]["conditions"]], ["Available"])

    def test_conditions_of_istio_are_one_field(self):
        """Its definitions say nothing about their keys."""
        self.cluster.install_crds("security.istio.io")
        policy = {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "p"},
        }
        self.cluster.put(policy)
        path = "/apis/security.istio.io/v1/namespaces/default/authorizationpolicies/p/status"
        self.apply(policy | {"status": {"conditions": [{"type": "A", "status": "True"}]}}, path=path)
        theirs = policy | {"status": {"conditions": [{"type": "B", "status": "True"}]}}
        self.apply(theirs, "two", path, expected=409)
        after = self.apply(theirs, "two", path, force="true")
        self.assertEqual([one["type"] for one in after["status"]["conditions"]], ["B"])

    def test_owners_and_finalizers(self):
        owner = self.cluster.put(config_map("owner"))["metadata"]["uid"]
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
        self.apply(config_map("a", ownerReferences=[reference], finalizers=["a.test/x"]))
        after = self.apply(config_map("a", finalizers=["a.test/y"]), "two")
        self.assertEqual(after["metadata"]["finalizers"], ["a.test/x", "a.test/y"])
        after = self.apply(config_map("a", ownerReferences=[reference]))
        self.assertEqual(after["metadata"]["finalizers"], ["a.test/y"])
        self.apply(config_map("a"), "two")
        self.client.ask("DELETE", f"{MAPS}/owner")
        self.assertEqual(self.client.get(f"{MAPS}/a")[0], 404)

    def test_to_create_by_apply_one_must_be_allowed_to_create(self):
        from .test_kube_identities import binding, role

        self.cluster.roles.on = True
        self.cluster.put(role("r", ["patch"], ["configmaps"]))
        self.cluster.put(binding("b", "r", {"kind": "User", "name": "alice"}))
        self.cluster.identities.add("token", "alice")
        self.client = self.connect(token="token")
        self.apply(config_map("a"), expected=403)
        self.cluster.put(config_map("a"))
        self.apply(config_map("a"), expected=200)


class Playing(KubeCase):
    def test_a_test_plays_the_scheduler(self):
        def schedule(type, thing):
            if type == "ADDED" and not thing["spec"].get("nodeName"):
                self.cluster.put(thing | {"spec": thing["spec"] | {"nodeName": "one"}})

        self.cluster.on_change(schedule, "Pod")
        self.client.ask("POST", PODS, pod("p"))
        found = self.cluster.wait(
            lambda: self.client.get(PODS, fieldSelector="spec.nodeName=one")[1]["items"], DEADLINE
        )
        self.assertEqual(found[0]["metadata"]["name"], "p")

    def test_waiting_ends(self):
        with self.assertRaises(TimeoutError):
            self.cluster.wait(lambda: False, 0)

    def test_the_door_of_the_test_takes_texts_lists_and_directories(self):
        with self.assertRaises(ValueError):
            self.cluster.put("kind: ConfigMap")
        cluster = self.start(yaml=lambda text: [config_map(text.strip()), None])
        (made,) = cluster.put("from-yaml")
        self.assertEqual(made["metadata"]["name"], "from-yaml")
        cluster.put(json.dumps({"kind": "List", "apiVersion": "v1", "items": [config_map("listed")]}))
        self.assertIsNotNone(cluster.get("ConfigMap", "default", "listed"))
        with self.assertRaises(LookupError):
            cluster.put({"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "a"}})
