#!/usr/bin/python3
"""metrics_test.py --crawld FILE : dashboard and rules ask for what the real daemon has, and for all of
it; Prometheus itself scrapes it with the configuration that is shipped."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import yaml

import deploy_lib as lib

OWN = {"up", "ALERTS"}           # Prometheus makes them
TARGET = {"job", "instance"}     # Prometheus adds them to each series
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
METRIC = re.compile(r"(?<![\w:.$])([a-zA-Z_]\w*(?::\w+)+|crawld_\w+|process_\w+|up|ALERTS)(?![\w:(])")
SELECTOR = re.compile(METRIC.pattern + r"\s*(?:\{([^}]*)\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def family(name):
    return re.sub(r"_(bucket|sum|count)$", "", name)


def dashboards():
    return [json.loads(path.read_text())
            for path in sorted((lib.ROOT / "deploy/grafana/dashboards").glob("*.json"))]


def panels():
    for dashboard in dashboards():
        for panel in dashboard["panels"]:
            yield panel
            yield from panel.get("panels", [])


def queries():
    """(where, PromQL, legend) of all that a dashboard asks."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield f'panel "{panel["title"]}"', target["expr"], target["legendFormat"]
    for dashboard in dashboards():
        for note in dashboard["annotations"]["list"]:
            yield f'annotation "{note["name"]}"', note["expr"], note["textFormat"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
                yield f'variable "{variable["name"]}"', asked[1], "{{" + asked[2] + "}}"


def plain(expression):
    """As Prometheus gets it, once Grafana has put its variables in."""
    return (expression.replace("$__rate_interval", "5m").replace("$job", ".*")
            .replace("$instance", ".*"))


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = lib.Daemon()
        cls.addClassCleanup(cls.daemon.close)
        cls.series = cls.daemon.series()
        cls.text = cls.daemon.get("/metrics")
        cls.recorded = {rule["record"]: rule["expr"] for _, rule in lib.rules() if "record" in rule}

    def labels_of(self, name):
        """label -> values, of a metric of the daemon's or a recorded one; None: there is none."""
        if name in self.recorded:
            found = {}
            for source, _ in SELECTOR.findall(self.recorded[name]):
                for label, values in self.labels_of(source).items():
                    found.setdefault(label, set()).update(values)
            return found
        if name in OWN:
            return {"alertstate": {"firing"}, "alertname": set(lib.alerts())}
        if name not in self.series:
            return None
        found = {}
        for labels in self.series[name]:
            for label, value in labels.items():
                found.setdefault(label, set()).add(value)
        return found

    def asked(self):
        """(where, expression, legend) of dashboards and rules."""
        yield from queries()
        for path, rule in lib.rules():
            yield f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"], ""

    def test_each_name_and_label_that_is_asked_for_exists(self):
        looked_at = 0
        for where, expression, legend in self.asked():
            with self.subTest(where):
                known = set(TARGET)
                selectors = SELECTOR.findall(STRING.sub('""', expression))
                self.assertTrue(selectors, expression)
                for name, _ in selectors:
                    labels = self.labels_of(name)
                    self.assertIsNotNone(labels, f"there is no {name}")
                    known |= set(labels)
                for name, matchers in SELECTOR.findall(expression):
                    for label, how, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', matchers):
                        looked_at += 1
                        if label in TARGET:
                            continue
                        self.assertIn(label, self.labels_of(name), name)
                        for choice in value.split("|"):
                            self.assertTrue(
                                any(re.fullmatch(choice, v) for v in self.labels_of(name)[label]),
                                f'{name} has no {label}="{choice}"')
                for group in GROUPING.findall(expression):
                    for label in filter(None, re.split(r"\s*,\s*", group)):
                        self.assertIn(label, known)
                for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", legend):
                    self.assertIn(label, known)
        self.assertGreater(looked_at, 50)

    def test_each_metric_of_the_documentation_exists_and_is_asked_for(self):
        documented = set(re.findall(r"^\| `(\w+)` \| (?:counter|gauge|histogram) \|",
                                    (lib.ROOT / "docs/metrics.md").read_text(), re.M))
        self.assertGreater(len(documented), 30)
        real = {family(name) for name in self.series}
        asked = {family(name) for _, expression, _ in queries()
                 for name, _ in SELECTOR.findall(expression)}
        asked |= {family(name) for record in asked & set(self.recorded)
                  for name, _ in SELECTOR.findall(self.recorded[record])}
        self.assertEqual(documented - real, set(), "documented, but not there")
        self.assertEqual(real - documented, set(), "there, but not documented")
        self.assertEqual(documented - asked, set(), "no panel shows it")

    def test_each_recorded_series_is_used(self):
        everything = " ".join(expression for _, expression, _ in self.asked())
        for name in self.recorded:
            self.assertRegex(everything, re.escape(name) + r"(?![\w:])")

    def test_prometheus_has_an_answer_to_each_query(self):
        """What the daemon exposes, made to move, is given to promtool; an alert for each query fires
        if its answer has a number in it."""
        types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", self.text, re.M))
        moving = []
        for name, rows in self.series.items():
            counter = types[family(name) if family(name) in types else name] != "gauge"
            for labels in rows:
                inner = ",".join(f'{label}="{value}"' for label, value in
                                 {**labels, "job": "crawld", "instance": "t:1"}.items())
                moving.append({"series": f"{name}{{{inner}}}", "values": "0+3x60" if counter else "5x60"})
        moving.append({"series": 'up{job="crawld",instance="t:1"}', "values": "1x60"})
        expressions = [(where, plain(expression)) for where, expression, _ in queries()
                       if not where.startswith("annotation")]
        expressions += [(name, expression) for name, expression in self.recorded.items()]
        rules = [{"alert": f"Query{i}", "expr": f"count(({expression}) > -1e300) > 0"}
                 for i, (_, expression) in enumerate(expressions)]
        rules.append({"alert": "NoAnswer", "expr": "count((crawld_nothing) > -1e300) > 0"})
        case = {"rule_files": ["recording.yaml", "queries.yaml"], "evaluation_interval": "1m",
                "tests": [{"interval": "30s", "input_series": moving, "alert_rule_test": [
                    {"alertname": rule["alert"], "eval_time": "20m", "exp_alerts": [{"exp_labels": {}}]}
                    for rule in rules]}]}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            shutil.copy(lib.ROOT / "deploy/prometheus/recording.yaml", folder)
            (folder / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": rules}]}))
            (folder / "case.yaml").write_text(yaml.safe_dump(case))
            result = lib.run("promtool", "test", "rules", folder / "case.yaml")
        silent = re.findall(r"alertname: (\w+),", result.stdout)
        self.assertIn("NoAnswer", silent, result.stdout[:2000])  # so this test can fail
        self.assertEqual([expressions[int(name[5:])] for name in silent if name != "NoAnswer"], [])

    def test_panels_lie_beside_one_another_and_explain_themselves(self):
        for dashboard in dashboards():
            taken = {}
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24)
                for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                             for y in range(place["y"], place["y"] + place["h"])):
                    self.assertNotIn(cell, taken, f'"{panel["title"]}" on "{taken.get(cell)}"')
                    taken[cell] = panel["title"]
                if panel["type"] != "row":
                    self.assertTrue(panel["targets"], panel["title"])
                    self.assertGreater(len(panel["description"]), 10, panel["title"])
                    self.assertEqual(panel["datasource"]["uid"], "${datasource}")

    def test_the_real_prometheus_scrapes_with_the_token_and_loads_the_rules(self):
        with tempfile.TemporaryDirectory(prefix="crawld-prometheus-") as folder:
            folder = pathlib.Path(folder)
            for path in (lib.ROOT / "deploy/prometheus").glob("*.yaml"):
                shutil.copy(path, folder)
            config = lib.load("deploy/prometheus/prometheus.yaml")
            # The targets and the secret's place are what differs from one machine to another.
            config["global"]["scrape_interval"] = "1s"
            job, = (job for job in config["scrape_configs"] if job["job_name"] == "crawld")
            job["static_configs"] = [{"targets": [f"127.0.0.1:{self.daemon.port}"]}]
            (folder / "token").write_text(self.daemon.TOKEN + "\n")
            (folder / "no-token").write_text("wrong\n")
            job["authorization"]["credentials_file"] = str(folder / "token")
            wrong = {**job, "job_name": "wrong",
                     "authorization": {"credentials_file": str(folder / "no-token")}}
            config["scrape_configs"] = [job, wrong]
            (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
            checked = lib.run("promtool", "check", "config", folder / "prometheus.yaml")
            self.assertEqual(checked.returncode, 0, checked.stdout)
            port = lib.free_port()
            server = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/db",
                 f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            try:
                api = f"http://127.0.0.1:{port}/api/v1/"
                targets = self.ask(api + "targets", lambda answer: all(
                    target["health"] != "unknown" for target in answer["activeTargets"])
                    and len(answer["activeTargets"]) == 2)
                health = {target["scrapePool"]: target["health"] for target in targets["activeTargets"]}
                self.assertEqual(health, {"crawld": "up", "wrong": "down"})
                self.ask(api + "query?query=crawld_build_info", lambda answer: answer["result"])
                rules = self.ask(api + "rules", lambda answer: answer["groups"])
                names = {rule["name"] for group in rules["groups"] for rule in group["rules"]}
                self.assertEqual(names, set(lib.alerts()) | set(self.recorded))
            finally:
                server.terminate()
                server.wait(timeout=lib.PATIENCE_S)

    def ask(self, url, enough):
        """Asks until the answer is enough; Prometheus has nothing to wait on."""
        until = time.monotonic() + lib.PATIENCE_S
        answer = None
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(url, timeout=5) as response:
                    answer = json.load(response)["data"]
                if enough(answer):
                    return answer
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.05)
        self.fail(f"{url}: {answer}")


if __name__ == "__main__":
    lib.main()
