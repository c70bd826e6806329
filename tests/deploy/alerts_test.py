#!/usr/bin/python3
"""alerts_test.py : the alerts of deploy/prometheus fire when they should, and say what to do."""
import pathlib
import re
import shutil
import tempfile
import unittest

import yaml

import deploy_lib as lib

CASES = sorted(pathlib.Path(__file__).parent.glob("alerts_*test.yaml"))
SEVERITIES = {"critical", "warning", "info"}


def expectations():
    """alert -> whether it is expected to fire, once for each look at it."""
    looks = {}
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for look in case["alert_rule_test"]:
                looks.setdefault(look["alertname"], []).append((case, look))
    return looks


class AlertsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def promtool(self, with_annotations):
        for path in (lib.ROOT / "deploy/prometheus").glob("*.yaml"):
            content = lib.load(path)
            for group in content.get("groups", []):
                for rule in group["rules"]:
                    if not with_annotations:
                        rule.pop("annotations", None)
            (self.folder / path.name).write_text(yaml.safe_dump(content))
        for path in CASES:
            shutil.copy(path, self.folder)
        return lib.run("promtool", "test", "rules", *(self.folder / path.name for path in CASES))

    def test_promtool_finds_no_mistake_in_the_rules(self):
        for path in sorted({path for path, _ in lib.rules()}):
            result = lib.run("promtool", "check", "rules", path)
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_each_fires_when_it_should_and_not_else(self):
        result = self.promtool(with_annotations=False)
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_for_each_there_is_a_case_in_which_it_fires_and_one_in_which_it_does_not(self):
        looks = expectations()
        self.assertEqual(set(looks), set(lib.alerts()))
        for alert, seen in looks.items():
            fires = [look for _, look in seen if look.get("exp_alerts")]
            self.assertTrue(fires, f"{alert} never fires")
            # Quiet: a look that expects nothing, or an instance of a firing look that is not named.
            quiet = any(not look.get("exp_alerts") or
                        {i for series in case["input_series"]
                         for i in re.findall(r'instance="(\w+)"', series["series"])} -
                        {a["exp_labels"].get("instance") for a in look["exp_alerts"]}
                        for case, look in seen)
            self.assertTrue(quiet, f"{alert} fires always")

    def test_each_says_what_is_seen_where_to_look_and_what_helps(self):
        sections = lib.anchors("docs/operations.md")
        for name, rule in lib.alerts().items():
            with self.subTest(name):
                self.assertTrue(name.startswith("Crawld"))
                self.assertIn(rule["labels"]["severity"], SEVERITIES)
                notes = rule["annotations"]
                self.assertEqual(set(notes), {"summary", "description", "runbook_url"})
                self.assertLess(len(notes["summary"]), 120)
                self.assertIn("ook ", notes["description"], "where to look")
                page, _, section = notes["runbook_url"].partition("#")
                self.assertEqual(page, "docs/operations.md")
                self.assertEqual(section, name.lower())
                self.assertIn(section, sections)

    def test_what_is_said_names_the_daemon_and_the_figure(self):
        # promtool compares annotations too; none are expected here, so it prints what they became.
        result = self.promtool(with_annotations=True)
        self.assertNotEqual(result.returncode, 0)
        said = dict(re.findall(r'got:\[\s*\d+:\s*Labels:\{alertname="(\w+)".*?'
                               r'Annotations:(\{.*?runbook_url=.*?\})\s', result.stdout, re.S))
        self.assertEqual(set(said), set(lib.alerts()), result.stdout[:2000])
        for name, text in said.items():
            with self.subTest(name):
                self.assertNotRegex(text, r"no value|error expanding|\{\{")


if __name__ == "__main__":
    lib.main()
