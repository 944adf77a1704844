"""Holds Deploy/kubernetes to what it promises: every object is one of its schema, every flag exists, agents
have no rights, and nothing runs with more than it needs."""

import copy
import glob
import json
import os
import re
import shutil
import subprocess
import unittest

from EndToEnd import kustomize

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEPLOY = f"{ROOT}/Deploy/kubernetes"
OVERLAYS = sorted(
    os.path.basename(os.path.dirname(one)) for one in glob.glob(f"{DEPLOY}/*/kustomization.yaml")
)
# The schemas of the API, of the oldest and of a recent version that are told to work.
SCHEMAS, VERSIONS = "kubernetes-validate==1.34.1", ("1.30", "1.34")
VALIDATE = """
import json, sys, kubernetes_validate as k
for one in json.load(sys.stdin):
    for version in sys.argv[1:]:
        try:
            k.validate(one, version, strict=True)
        except k.ValidationError as error:
            message = f"{error.path}: {error.message}"
            print(json.dumps([one["kind"], one["metadata"]["name"], version, message]))
        except k.SchemaNotFoundError as error:
            print(json.dumps([one["kind"], one["metadata"]["name"], version, str(error)]))
"""


def schemas():
    """A Python that has the schemas, made once below the build's folder."""
    place = f"{ROOT}/.build/kube-schemas"
    program = f"{place}/bin/python"
    check = [program, "-c", "import kubernetes_validate"]
    if not os.path.exists(program) or subprocess.run(check, capture_output=True).returncode != 0:
        subprocess.run(["/usr/bin/python3", "-m", "venv", place], check=True, capture_output=True)
        install = [program, "-m", "pip", "-q", "install", SCHEMAS]
        subprocess.run(install, check=True, capture_output=True, timeout=300)
    return program


def faults(objects):
    """What the schemas say against objects."""
    answer = subprocess.run(
        [schemas(), "-c", VALIDATE, *VERSIONS], input=json.dumps(objects), capture_output=True, text=True
    )
    if answer.returncode != 0:
        raise AssertionError(answer.stderr[-500:])
    return [json.loads(line) for line in answer.stdout.splitlines()]


def pods(objects):
    for one in objects:
        template = one.get("spec", {}).get("template")
        if template:
            yield one["metadata"]["name"], template["spec"]


def containers(objects):
    for name, pod in pods(objects):
        for container in pod.get("initContainers", []) + pod["containers"]:
            yield name, pod, container


def flags_of(program):
    """The flags that a program's sources declare, in the way of ArgumentParser."""
    text = ""
    for path in glob.glob(f"{ROOT}/Sources/FrontDoors/{program}/*.swift"):
        with open(path, encoding="utf-8") as file:
            text += file.read()
    # An attribute may go over many lines; what follows it is the property.
    names = re.findall(r"@(?:Option|Flag)[^@]*?\n?\s*(?:private )?var (\w+)", text)
    return {"--" + re.sub(r"([A-Z])", lambda match: "-" + match[1].lower(), name) for name in names}


class Deployment(unittest.TestCase):
    def setUp(self):
        self.all = {name: kustomize.render(f"{DEPLOY}/{name}") for name in OVERLAYS}

    def test_there_are_overlays(self):
        self.assertEqual(OVERLAYS, ["base", "eks", "k3s", "kind", "uninstall"])

    def test_every_object_is_one_of_its_schema(self):
        everything = [one for objects in self.all.values() for one in objects]
        self.assertEqual(faults(everything), [])

    def test_a_wrong_field_is_found_everywhere(self):
        """The check itself: a field that does not exist, put into every object, is told for each."""
        bent = copy.deepcopy(self.all["base"])
        for one in bent:
            one.setdefault("metadata", {})["naem"] = "x"
        found = {(kind, name) for kind, name, _, _ in faults(bent)}
        self.assertEqual(found, {(one["kind"], one["metadata"]["name"]) for one in bent})

    def test_rendered_as_kubectl_does(self):
        program = shutil.which("kubectl")
        # kubectl of Debian 12 has a kustomize that is older than this layout.
        version = program and subprocess.run(
            [program, "version", "--client", "-o", "json"], capture_output=True, text=True
        )
        modern = version and version.returncode == 0 and "kustomizeVersion" in version.stdout
        if not modern:
            self.skipTest("no kubectl with kustomize 4 or later")
        for name, objects in self.all.items():
            text = subprocess.run(
                [program, "kustomize", f"{DEPLOY}/{name}"], capture_output=True, text=True, check=True
            ).stdout
            theirs = {kustomize.key(one): one for one in kustomize.documents(text)}
            self.assertEqual(theirs, {kustomize.key(one): one for one in objects}, name)

    def test_agents_have_no_rights(self):
        for objects in self.all.values():
            for one in objects:
                if one["kind"].endswith("Binding"):
                    names = [subject["name"] for subject in one["subjects"]]
                    self.assertEqual(names, ["apus-control"])
            for name, pod in pods(objects):
                if name != "apus-control":
                    self.assertIs(pod["automountServiceAccountToken"], False, name)

    def test_roles_are_narrow(self):
        for one in self.all["base"]:
            if one["kind"] not in ("Role", "ClusterRole"):
                continue
            for rule in one["rules"]:
                self.assertNotIn("*", rule["verbs"] + rule["apiGroups"] + rule["resources"], rule)
                if "secrets" in rule["resources"]:
                    self.assertEqual(one["kind"], "Role")
                    self.assertTrue("resourceNames" in rule or rule["verbs"] == ["create"], rule)

    def test_containers_are_confined(self):
        for objects in self.all.values():
            for name, pod, container in containers(objects):
                context = container["securityContext"]
                self.assertIs(context["readOnlyRootFilesystem"], True, name)
                self.assertIs(context["allowPrivilegeEscalation"], False, name)
                self.assertEqual(context["capabilities"]["drop"], ["ALL"], name)
                self.assertIn("memory", container["resources"]["limits"], name)
                self.assertIn("cpu", container["resources"]["requests"], name)
                self.assertNotIn("privileged", context)
                if name == "apus-control":
                    self.assertNotIn("add", context["capabilities"])
                    self.assertIs(pod["securityContext"]["runAsNonRoot"], True)

    def test_images_have_versions(self):
        for objects in self.all.values():
            for name, _, container in containers(objects):
                _, _, tag = container["image"].rpartition(":")
                self.assertTrue(tag and tag != "latest" and "/" not in tag, f"{name}: {container['image']}")

    def test_every_flag_exists(self):
        seen = 0
        for objects in self.all.values():
            for name, _, container in containers(objects):
                program = os.path.basename(container.get("command", [""])[0]) or name.replace(
                    "clean", "agent"
                )
                known = flags_of(program)
                for word in container["args"]:
                    if word.startswith("--"):
                        self.assertIn(word.partition("=")[0], known, f"{name}: {program}")
                        seen += 1
        self.assertGreater(seen, 50)

    def test_no_secret_is_shipped(self):
        for objects in self.all.values():
            self.assertFalse([one for one in objects if one["kind"] == "Secret"])

    def test_the_webhook_cannot_lock_the_cluster(self):
        [hook] = [one for one in self.all["base"] if one["kind"] == "ValidatingWebhookConfiguration"]
        for one in hook["webhooks"]:
            self.assertEqual(one["failurePolicy"], "Ignore")
            [expression] = one["namespaceSelector"]["matchExpressions"]
            self.assertEqual(
                (expression["operator"], expression["values"]), ("NotIn", ["kube-system", "apus-system"])
            )

    def test_what_is_not_rendered_is_an_error(self):
        folder = f"{DEPLOY}/kind"
        with self.assertRaises(kustomize.Unknown):
            kustomize.apply(self.all["base"], {"kind": "Deployment", "metadata": {"name": "gone"}})
        self.assertTrue(os.path.exists(f"{folder}/kustomization.yaml"))


class Images(unittest.TestCase):
    def said(self, *words):
        return subprocess.run([f"{ROOT}/Scripts/image", *words], capture_output=True, text=True)

    def test_print_names_every_image(self):
        answer = self.said("--print", "--tag", "1.2", "--registry", "r.example/x", "--push")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        for name in ("agent", "control", "waypoint"):
            self.assertIn(f"--target {name} --tag r.example/x/apus-{name}:1.2 .", answer.stdout)
            self.assertIn(f"push r.example/x/apus-{name}:1.2", answer.stdout)

    def test_wrong_words_are_refused(self):
        for words in (["--tag", "a b"], ["--tag"], ["nothing"]):
            self.assertEqual(self.said(*words).returncode, 2, words)

    def test_the_stages_are_there(self):
        with open(f"{ROOT}/Deploy/images/Dockerfile", encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(
            re.findall(r"^FROM \S+ AS (\w+)", text, re.M), ["build", "agent", "control", "waypoint"]
        )
        self.assertEqual(text.count("USER 1337:1337"), 2)


if __name__ == "__main__":
    unittest.main()
