#!/usr/bin/python3
"""kubernetes_test.py --crawld FILE : the manifests of deploy/kubernetes refer to one another, to the image
and to the config as they should. Whether a cluster's API takes them is for a cluster to say."""
import json
import pathlib
import re
import tempfile
import unittest

import deploy_lib as lib

FOLDER = "deploy/kubernetes"


def matches(selector, labels):
    return selector.items() <= labels.items()


class KubernetesTest(unittest.TestCase):
    def setUp(self):
        self.kustomization = lib.load(f"{FOLDER}/kustomization.yaml")
        self.kinds = {}
        for path in sorted((lib.ROOT / FOLDER).glob("*.yaml")):
            if path.name in ("kustomization.yaml", "crawl.yaml"):
                continue
            for manifest in lib.load_all(path):
                self.assertNotIn(manifest["kind"], self.kinds)
                self.kinds[manifest["kind"]] = manifest
        self.set = self.kinds["StatefulSet"]["spec"]
        self.pod = self.set["template"]["spec"]
        self.container, = self.pod["containers"]
        self.labels = self.set["template"]["metadata"]["labels"]
        self.crawl = lib.load(f"{FOLDER}/crawl.yaml")

    def test_each_file_is_a_resource_or_says_why_not(self):
        text = (lib.ROOT / FOLDER / "kustomization.yaml").read_text()
        for path in (lib.ROOT / FOLDER).glob("*.yaml"):
            if path.name in ("kustomization.yaml", "secret.example.yaml"):
                continue
            self.assertIn(path.name, text)
        for name in self.kustomization["resources"]:
            self.assertTrue((lib.ROOT / FOLDER / name).exists(), name)
        for generator in self.kustomization["configMapGenerator"]:
            for name in generator["files"]:
                self.assertTrue((lib.ROOT / FOLDER / name).exists(), name)

    def test_nothing_says_in_which_namespace(self):
        self.assertNotIn("namespace", self.kustomization)
        for kind, manifest in self.kinds.items():
            self.assertNotIn("namespace", manifest["metadata"], kind)

    def test_each_selector_finds_the_pod(self):
        selectors = [self.set["selector"]["matchLabels"],
                     self.kinds["Service"]["spec"]["selector"],
                     self.kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
                     self.kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]]
        for selector in selectors:
            self.assertTrue(selector)
            self.assertTrue(matches(selector, self.labels), selector)
        monitor = self.kinds["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
        self.assertTrue(monitor and matches(monitor, self.kinds["Service"]["metadata"]["labels"]))

    def test_no_label_is_written_into_selectors_of_other_pods(self):
        # With includeSelectors, kustomize changes those of Prometheus and of the name servers too.
        for labels in self.kustomization["labels"]:
            self.assertNotIn("includeSelectors", labels)
        self.assertNotIn("commonLabels", self.kustomization)

    def test_one_crawl_is_one_replica_with_a_headless_service(self):
        self.assertEqual(self.set["replicas"], 1)
        self.assertEqual(self.set["serviceName"], self.kinds["Service"]["metadata"]["name"])
        self.assertEqual(self.kinds["Service"]["spec"]["clusterIP"], "None")

    def test_ports_are_the_one_that_the_config_listens_at(self):
        port, = self.container["ports"]
        listen = self.crawl["admin"]["listen"]
        self.assertEqual(listen, f"0.0.0.0:{port['containerPort']}")
        service, = self.kinds["Service"]["spec"]["ports"]
        self.assertEqual(service["targetPort"], port["name"])
        endpoint, = self.kinds["ServiceMonitor"]["spec"]["endpoints"]
        self.assertEqual(endpoint["port"], service["name"])
        ingress, = self.kinds["NetworkPolicy"]["spec"]["ingress"]
        self.assertEqual(ingress["ports"], [{"protocol": "TCP", "port": port["name"]}])

    def test_mounts_volumes_and_what_they_hold_fit(self):
        mounts = {mount["mountPath"]: mount for mount in self.container["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        claims = {claim["metadata"]["name"] for claim in self.set["volumeClaimTemplates"]}
        self.assertEqual({mount["name"] for mount in mounts.values()}, set(volumes) | claims)
        self.assertIn(mounts[self.crawl["data_dir"]]["name"], claims)
        token = pathlib.PurePath(self.crawl["admin"]["token_file"])
        secret = volumes[mounts[str(token.parent)]["name"]]["secret"]
        self.assertEqual(secret["secretName"], self.kinds["Secret"]["metadata"]["name"])
        self.assertIn(token.name, self.kinds["Secret"]["stringData"])
        endpoint, = self.kinds["ServiceMonitor"]["spec"]["endpoints"]
        self.assertEqual(endpoint["authorization"]["credentials"],
                         {"name": secret["secretName"], "key": token.name})
        self.assertIn(secret["secretName"],
                      (lib.ROOT / FOLDER / "kustomization.yaml").read_text())
        generator, = self.kustomization["configMapGenerator"]
        config = volumes[mounts["/etc/crawld"]["name"]]["configMap"]
        self.assertEqual(config["name"], generator["name"])
        self.assertEqual(generator["files"], ["crawl.yaml"])
        for name in ("config", "admin"):
            self.assertTrue(next(m for m in mounts.values() if m["name"] == name)["readOnly"])

    def test_probes_ask_as_the_image_asks(self):
        dockerfile = (lib.ROOT / "Dockerfile").read_text()
        alive = json.loads(re.search(r"HEALTHCHECK (?:.*\\\n)?\s*CMD (\[.*\])", dockerfile)[1])
        for probe in ("startupProbe", "livenessProbe"):
            self.assertEqual(self.container[probe]["exec"]["command"], alive)
        self.assertEqual(self.container["readinessProbe"]["exec"]["command"], [*alive[:-1], "ready"])
        startup = self.container["startupProbe"]
        self.assertGreaterEqual(startup["periodSeconds"] * startup["failureThreshold"], 600)

    def test_it_runs_as_the_user_of_the_image_and_with_no_more_rights(self):
        user, group = map(int, re.search(r"(?m)^USER (\d+):(\d+)$",
                                         (lib.ROOT / "Dockerfile").read_text()).groups())
        pod, container = self.pod["securityContext"], self.container["securityContext"]
        self.assertEqual((pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]), (user, group, group))
        self.assertTrue(pod["runAsNonRoot"])
        self.assertEqual(pod["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(container, {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                     "capabilities": {"drop": ["ALL"]}})
        self.assertFalse(self.pod["automountServiceAccountToken"])

    def test_there_is_time_to_stop(self):
        example = (lib.ROOT / "config/example.yaml").read_text()
        grace = int(re.search(r"^  grace: (\d+)s$", example, re.M)[1])
        self.assertGreaterEqual(self.pod["terminationGracePeriodSeconds"], grace + 30)

    def test_its_config_is_right(self):
        with tempfile.TemporaryDirectory() as folder:
            token = pathlib.Path(folder) / "token"
            token.write_text("t\n")
            text = (lib.ROOT / FOLDER / "crawl.yaml").read_text()
            config = pathlib.Path(folder) / "crawl.yaml"
            config.write_text(text.replace(self.crawl["admin"]["token_file"], str(token)))
            result = lib.run(lib.OPTIONS.crawld, "check", "-c", config)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_the_way_out_leads_to_no_private_network(self):
        blocks = [to["ipBlock"] for rule in self.kinds["NetworkPolicy"]["spec"]["egress"]
                  for to in rule["to"] if "ipBlock" in to]
        closed = {address for block in blocks for address in block["except"]}
        self.assertLessEqual({"10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                              "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10"}, closed)

    def test_the_job_is_the_one_that_the_alerts_know(self):
        label = self.kinds["ServiceMonitor"]["spec"]["jobLabel"]
        job = self.kinds["Service"]["metadata"]["labels"][label]
        known = {name for _, rule in lib.rules() for name in re.findall(r'job="(\w+)"', rule["expr"])}
        self.assertEqual(known, {job})


if __name__ == "__main__":
    lib.main()
