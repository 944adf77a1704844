"""The tests' API server: who is let in, what they may do, and what a TokenReview says."""

from EndToEnd.kube import User

from .kube import MERGE, KubeCase, pod

PODS = "/api/v1/namespaces/default/pods"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
RBAC = "rbac.authorization.k8s.io/v1"


class Identities(KubeCase):
    def test_without_a_table_everybody_is_let_in(self):
        self.assertEqual(self.client.get(PODS)[0], 200)

    def test_tokens(self):
        self.cluster.identities.add("secret", {"user": "alice", "groups": ["people"]})
        status, said = self.client.get(PODS)
        self.assertEqual((status, said["reason"]), (401, "Unauthorized"))
        self.assertEqual(self.connect(token="guess").get(PODS)[0], 401)
        self.assertEqual(self.connect(token="secret").get(PODS)[0], 200)
        self.assertEqual(self.cluster.counters.total(user="alice", verb="list", resource="pods", code=200), 1)
        self.assertEqual(self.cluster.counters.total(code=401), 2)
        self.cluster.identities.remove("secret")
        self.cluster.identities.add("other", "bob")
        self.assertEqual(self.connect(token="secret").get(PODS)[0], 401)

    def test_a_token_for_somebody_else_or_that_has_ended_opens_nothing(self):
        add = self.cluster.identities.account
        self.assertEqual(self.connect(token=add("default", "a")).get(PODS)[0], 200)
        self.assertEqual(self.connect(token=add("default", "a", audiences=["istio-ca"])).get(PODS)[0], 401)
        self.assertEqual(self.connect(token=add("default", "a", seconds=-1)).get(PODS)[0], 401)

    def test_client_certificates(self):
        self.start(client_authority=self.certificates.root.certificate)
        self.assertEqual(self.connect().get(PODS)[0], 401)
        alice = self.certificates.user("alice", "people")
        self.assertEqual(self.connect(certificate=alice).get(PODS)[0], 200)
        # A token goes before a certificate, and a wrong one is wrong with any.
        self.assertEqual(self.connect(certificate=alice, token="guess").get(PODS)[0], 401)

    def test_the_user_of_a_certificate(self):
        cluster = self.start(client_authority=self.certificates.root.certificate)
        cluster.roles.on = True
        cluster.put(role("reader", ["get"], ["pods"]))
        cluster.put(binding("people-read", "reader", {"kind": "Group", "name": "people"}))
        cluster.put(pod("a"))
        for groups, expected in ((("people",), 200), (("others",), 403), (("system:masters",), 200)):
            with self.subTest(groups):
                client = self.connect(certificate=self.certificates.user("alice", *groups))
                self.assertEqual(client.get(f"{PODS}/a")[0], expected)


class Reviews(KubeCase):
    def review(self, token, *audiences):
        spec = {"token": token} | ({"audiences": list(audiences)} if audiences else {})
        made = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        status, answer = self.client.ask("POST", REVIEWS, made)
        self.assertEqual(status, 201)
        return answer["status"]

    def setUp(self):
        super().setUp()
        self.pod = self.cluster.put(pod("web-1", "shop", node="one"))
        self.token = self.cluster.identities.account(
            "shop", "web", "u-1", self.pod, audiences=["istio-ca", "vault"]
        )
        self.cluster.identities.add("admin", {"user": "admin"})
        self.client = self.connect(token="admin")

    def test_a_token_and_its_pod(self):
        said = self.review(self.token, "apus-ca", "istio-ca")
        self.assertEqual((said["authenticated"], said["audiences"]), (True, ["istio-ca"]))
        user = said["user"]
        self.assertEqual((user["username"], user["uid"]), ("system:serviceaccount:shop:web", "u-1"))
        self.assertIn("system:serviceaccounts:shop", user["groups"])
        prefix = "authentication.kubernetes.io/"
        self.assertEqual(user["extra"][f"{prefix}pod-name"], ["web-1"])
        self.assertEqual(user["extra"][f"{prefix}pod-uid"], [self.pod["metadata"]["uid"]])
        self.assertEqual(user["extra"][f"{prefix}node-name"], ["one"])

    def test_disjoint_audiences_unknown_and_ended_tokens(self):
        ended = self.cluster.identities.account("shop", "web", audiences=["istio-ca"], seconds=-1)
        for token, audiences in ((self.token, ["else"]), (self.token, []), ("guess", ["istio-ca"]),
                                 (ended, ["istio-ca"]), ("", ["istio-ca"])):  # fmt: skip
            with self.subTest(audiences=audiences):
                said = self.review(token, *audiences)
                self.assertFalse(said.get("authenticated", False))
                self.assertTrue(said["error"])
                self.assertNotIn("username", said["user"])

    def test_a_token_ends_with_its_pod(self):
        self.assertTrue(self.review(self.token, "istio-ca")["authenticated"])
        self.cluster.delete("Pod", "shop", "web-1")
        self.cluster.put(pod("web-1", "shop", node="one"))
        self.assertNotIn("authenticated", self.review(self.token, "istio-ca"))

    def test_nothing_but_creation(self):
        self.assertEqual(self.client.get(REVIEWS)[0], 405)


def role(name, verbs, resources, groups=("",), kind="ClusterRole", **more):
    rule = {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
    metadata = {"name": name} | ({"namespace": more.pop("namespace")} if "namespace" in more else {})
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": [rule | more]}


def binding(name, role, *subjects, namespace=None, of="ClusterRole"):
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": of, "name": role}
    return {
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": metadata,
        "roleRef": reference,
        "subjects": list(subjects),
    }


class Roles(KubeCase):
    def setUp(self):
        super().setUp()
        self.cluster.authorize()
        self.account = {"kind": "ServiceAccount", "name": "control", "namespace": "apus"}
        self.client = self.connect(token=self.cluster.identities.account("apus", "control"))
        self.cluster.put(pod("a"))
        self.cluster.put(pod("b", "other"))

    def allowed(self, method, path, body=None, **query):
        return self.client.ask(method, path, body, **query)[0] != 403

    def test_what_no_rule_allows_is_refused_and_logged(self):
        status, said = self.client.get(PODS)
        self.assertEqual((status, said["reason"]), (403, "Forbidden"))
        self.assertIn(
            'User "system:serviceaccount:apus:control" cannot list resource "pods"', said["message"]
        )
        ((user, ask),) = self.cluster.roles.refused
        self.assertEqual(
            (user, ask.verb, ask.resource), ("system:serviceaccount:apus:control", "list", "pods")
        )
        self.assertTrue(self.allowed("GET", "/version"))
        self.assertTrue(self.allowed("GET", "/apis/apps/v1"))

    def test_a_cluster_role_is_for_its_verbs_and_resources(self):
        self.cluster.put(role("r", ["get", "list"], ["pods"]))
        self.cluster.put(binding("b", "r", self.account))
        for method, path, query, expected in (
            ("GET", "/api/v1/pods", {}, True), ("GET", f"{PODS}/a", {}, True),
            ("GET", PODS, {"watch": 1}, False), ("GET", f"{PODS}/a/status", {}, False),
            ("DELETE", f"{PODS}/a", {}, False), ("DELETE", PODS, {}, False),
            ("GET", "/api/v1/nodes", {}, False), ("GET", "/apis/apps/v1/deployments", {}, False),
        ):  # fmt: skip
            with self.subTest(f"{method} {path} {query}"):
                self.assertEqual(self.allowed(method, path, **query), expected)

    def test_subresources_names_and_stars(self):
        one_of_them = f"{PODS}?fieldSelector=metadata.name%3Da"
        for number, (rule, path, expected) in enumerate((
            (role("r", ["get"], ["pods/status"]), f"{PODS}/a/status", True),
            (role("r", ["get"], ["pods/status"]), f"{PODS}/a", False),
            (role("r", ["get"], ["*/status"]), f"{PODS}/a/status", True),
            (role("r", ["*"], ["*"], ["*"]), "/apis/apps/v1/deployments", True),
            (role("r", ["get"], ["pods"], resourceNames=["a"]), f"{PODS}/a", True),
            (role("r", ["get"], ["pods"], resourceNames=["b"]), f"{PODS}/a", False),
            (role("r", ["list"], ["pods"], resourceNames=["a"]), one_of_them, True),
            (role("r", ["list"], ["pods"], resourceNames=["a"]), PODS, False),
        )):  # fmt: skip
            with self.subTest(number):
                self.cluster.put(rule)
                self.cluster.put(binding("b", "r", self.account))
                self.assertEqual(self.allowed("GET", path), expected)

    def test_a_role_binding_is_for_its_namespace(self):
        self.cluster.put(role("r", ["get"], ["pods"], kind="Role", namespace="other"))
        self.cluster.put(binding("b", "r", self.account, namespace="other", of="Role"))
        self.assertTrue(self.allowed("GET", "/api/v1/namespaces/other/pods/b"))
        self.assertFalse(self.allowed("GET", f"{PODS}/a"))
        self.cluster.put(role("c", ["list"], ["pods"]))
        self.cluster.put(binding("c", "c", self.account, namespace="other"))
        self.assertTrue(self.allowed("GET", "/api/v1/namespaces/other/pods"))
        self.assertFalse(self.allowed("GET", "/api/v1/pods"))

    def test_another_account_gets_nothing_of_it(self):
        self.cluster.put(role("r", ["list"], ["pods"]))
        self.cluster.put(binding("b", "r", self.account | {"namespace": "elsewhere"}))
        self.assertFalse(self.allowed("GET", PODS))
        self.cluster.put(binding("b", "r", {"kind": "Group", "name": "system:serviceaccounts:apus"}))
        self.assertTrue(self.allowed("GET", PODS))

    def test_what_is_allowed_and_never_asked_for(self):
        self.cluster.authorize(
            role("r", ["get", "list"], ["pods", "nodes"]),
            binding("b", "r", self.account),
            role("s", ["patch"], ["pods/status"], kind="Role", namespace="other"),
            binding("b", "s", self.account, namespace="other", of="Role"),
        )
        self.client.get("/api/v1/nodes")
        self.client.get(f"{PODS}/a")
        user = User("system:serviceaccount:apus:control")
        unused = [("get", "", "nodes"), ("list", "", "pods"), ("patch", "", "pods/status")]
        self.assertEqual(self.cluster.roles.unused(user), unused)
        self.client.ask("PATCH", "/api/v1/namespaces/other/pods/b/status", {}, MERGE)
        self.assertEqual(self.cluster.roles.unused(user), unused[:2])
        self.assertEqual(self.cluster.roles.refused, [])

    def test_a_refusal_comes_before_what_is_not_there(self):
        self.assertEqual(self.client.get("/apis/security.istio.io/v1/authorizationpolicies")[0], 403)
        self.cluster.put(role("r", ["list"], ["authorizationpolicies"], ["security.istio.io"]))
        self.cluster.put(binding("b", "r", self.account))
        self.assertEqual(self.client.get("/apis/security.istio.io/v1/authorizationpolicies")[0], 404)
