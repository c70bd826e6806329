#!/usr/bin/python3
"""compose_test.py --crawld FILE : what deploy/compose.yaml names is there, and its parts fit together."""
import json
import pathlib
import re
import tempfile
import unittest

import deploy_lib as lib

DEPLOY = lib.ROOT / "deploy"
HARDENED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
            "restart": "unless-stopped"}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class ComposeTest(unittest.TestCase):
    def setUp(self):
        self.compose = lib.load("deploy/compose.yaml")
        self.services = self.compose["services"]
        self.crawl = lib.load("deploy/crawl.yaml")

    def mounts(self, service):
        """target -> source"""
        found = {}
        for volume in self.services[service].get("volumes", []):
            source, target, *_ = volume.split(":")
            found[target] = source
        return found

    def test_each_mounted_file_is_in_the_tree_and_each_volume_is_declared(self):
        used = set()
        for service in self.services:
            for target, source in self.mounts(service).items():
                if source.startswith("."):
                    self.assertTrue((DEPLOY / source).exists(), source)
                else:
                    self.assertIn(source, self.compose["volumes"])
                    used.add(source)
        self.assertEqual(used, set(self.compose["volumes"]))

    def test_files_of_the_tree_are_mounted_for_reading(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                if volume.startswith("."):
                    self.assertTrue(volume.endswith(":ro"), f"{name}: {volume}")

    def test_each_network_and_secret_is_declared_and_used(self):
        for kind in ("networks", "secrets"):
            used = {name for service in self.services.values() for name in service.get(kind, [])}
            self.assertEqual(used, set(self.compose[kind]))

    def test_secrets_are_no_part_of_the_tree_nor_of_the_image(self):
        for secret in self.compose["secrets"].values():
            folder = pathlib.PurePath(secret["file"]).parent
            self.assertIn(f"/deploy/{folder}/", (lib.ROOT / ".gitignore").read_text())
            self.assertIn(f"deploy/{folder}\n", (lib.ROOT / ".dockerignore").read_text())

    def test_no_service_has_more_rights_than_it_needs(self):
        for name, service in self.services.items():
            for key, value in HARDENED.items():
                self.assertEqual(service.get(key), value, f"{name}: {key}")
            self.assertNotIn("privileged", service)
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), port)
        self.assertNotIn("ports", self.services["crawld"])

    def test_its_config_is_right(self):
        with tempfile.TemporaryDirectory() as folder:
            config = (DEPLOY / "crawl.yaml").read_text()
            token = pathlib.Path(folder) / "token"
            token.write_text("t\n")
            path = self.crawl["admin"]["token_file"]
            (pathlib.Path(folder) / "crawl.yaml").write_text(config.replace(path, str(token)))
            result = lib.run(lib.OPTIONS.crawld, "check", "-c", f"{folder}/crawl.yaml")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_prometheus_scrapes_the_port_that_crawld_listens_at_with_the_token_that_it_expects(self):
        config = lib.load("deploy/prometheus/prometheus.yaml")
        job, = (job for job in config["scrape_configs"] if job["job_name"] == "crawld")
        target, = job["static_configs"][0]["targets"]
        host, _, port = target.partition(":")
        self.assertIn(host, self.services)
        self.assertEqual(self.crawl["admin"]["listen"].rpartition(":")[2], port)
        self.assertTrue(set(self.services[host]["networks"]) & set(self.services["prometheus"]["networks"]))
        token = job["authorization"]["credentials_file"]
        self.assertEqual(token, self.crawl["admin"]["token_file"])
        self.assertEqual(job.get("metrics_path", "/metrics"), "/metrics")
        for service in ("crawld", "prometheus"):
            self.assertIn(pathlib.PurePath(token).name, self.services[service]["secrets"])

    def test_prometheus_is_started_with_the_config_that_is_mounted(self):
        mounts = self.mounts("prometheus")
        option, = (o for o in self.services["prometheus"]["command"] if o.startswith("--config.file="))
        path = pathlib.PurePath(option.partition("=")[2])
        self.assertTrue((DEPLOY / mounts[str(path.parent)] / path.name).exists())
        store, = (o for o in self.services["prometheus"]["command"]
                  if o.startswith("--storage.tsdb.path="))
        self.assertIn(store.partition("=")[2], mounts)
        for name in lib.load("deploy/prometheus/prometheus.yaml")["rule_files"]:
            self.assertTrue((DEPLOY / "prometheus" / name).exists())

    def test_grafana_finds_data_source_and_dashboard(self):
        mounts = self.mounts("grafana")
        source, = lib.load("deploy/grafana/provisioning/datasources/prometheus.yaml")["datasources"]
        host, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()
        self.assertIn(f"127.0.0.1:{port}:{port}", self.services[host]["ports"])
        provider, = lib.load("deploy/grafana/provisioning/dashboards/crawld.yaml")["providers"]
        folder = DEPLOY / mounts[provider["options"]["path"]]
        dashboards = list(folder.glob("*.json"))
        self.assertTrue(dashboards)
        home = self.services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        self.assertEqual(home, f"{provider['options']['path']}/{dashboards[0].name}")
        variable = json.loads(dashboards[0].read_text())["templating"]["list"][0]
        self.assertEqual((variable["name"], variable["query"]), ("datasource", source["type"]))
        interval = lib.load("deploy/prometheus/prometheus.yaml")["global"]["scrape_interval"]
        self.assertEqual(source["jsonData"]["timeInterval"], interval)

    def test_there_is_time_to_stop_and_there_are_descriptors(self):
        crawld = self.services["crawld"]
        example = (lib.ROOT / "config/example.yaml").read_text()
        grace = seconds(re.search(r"^  grace: (\w+)$", example, re.M)[1])
        self.assertGreaterEqual(seconds(crawld["stop_grace_period"]), grace + 30)
        self.assertEqual(crawld["ulimits"]["nofile"], {"soft": 65536, "hard": 65536})

    def test_the_health_check_and_the_volume_are_those_of_the_image(self):
        dockerfile = (lib.ROOT / "Dockerfile").read_text()
        health = json.loads(re.search(r"HEALTHCHECK (?:.*\\\n)?\s*CMD (\[.*\])", dockerfile)[1])
        self.assertEqual(self.services["crawld"]["healthcheck"]["test"], ["CMD", *health])
        for name in ("start_period", "timeout", "interval"):
            option = f"--{name.replace('_', '-')}={self.services['crawld']['healthcheck'][name]}"
            self.assertIn(option, dockerfile)
        volume = re.search(r"(?m)^VOLUME (\S+)$", dockerfile)[1]
        self.assertIn(volume, self.mounts("crawld"))
        self.assertEqual(self.crawl["data_dir"], volume)
        config = re.search(r'(?m)^CMD \["run", "-c", "(\S+)"\]$', dockerfile)[1]
        self.assertIn(config, self.mounts("crawld"))


if __name__ == "__main__":
    lib.main()
