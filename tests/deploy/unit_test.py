#!/usr/bin/python3
"""unit_test.py --crawld FILE : the systemd unit, as systemd's own tools see it."""
import os
import pathlib
import re
import tempfile
import unittest

import deploy_lib as lib

UNIT = lib.ROOT / "deploy/crawld@.service"
THRESHOLD = 15  # tenths; 10.0 is a service that may do all


def settings():
    """(section, key, value, line number) of each line of the unit."""
    section = None
    for number, line in enumerate(UNIT.read_text().splitlines(), 1):
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
        elif setting := re.fullmatch(r"(\w+)=(.*)", line):
            yield section, setting[1], setting[2], number


def value(key):
    return [v for _, k, v, _ in settings() if k == key]


class UnitTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_systemd_finds_no_mistake_in_it(self):
        # Where crawld is not installed, it stands for itself.
        text = re.sub(r"(?m)^(Exec\w+=)crawld ", rf"\1{lib.OPTIONS.crawld} ", UNIT.read_text())
        (self.folder / UNIT.name).write_text(text)
        result = lib.run("systemd-analyze", "verify", "--man=no", self.folder / UNIT.name)
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        (self.folder / UNIT.name).write_text(text + "\nNoSuchSetting=yes\n")
        result = lib.run("systemd-analyze", "verify", "--man=no", self.folder / UNIT.name)
        self.assertIn("NoSuchSetting", result.stdout)  # so it looks at this file

    def test_little_is_left_that_it_could_do(self):
        # The name in the tree has no instance, which is fine for a look from outside.
        result = lib.run("systemd-analyze", "security", "--offline=true", "--no-pager",
                         f"--threshold={THRESHOLD}", UNIT)
        self.assertEqual(result.returncode, 0, result.stdout)
        level = re.search(r"Overall exposure level .*: ([\d.]+) ", result.stdout)
        self.assertLessEqual(float(level[1]), THRESHOLD / 10)

    def test_each_restriction_says_why(self):
        lines = UNIT.read_text().splitlines()
        first = next(n for _, k, _, n in settings() if k == "NoNewPrivileges")
        for section, key, _, number in settings():
            if section != "Service" or number < first:
                continue
            above = number - 2
            while re.match(r"\w+=", lines[above]):  # a comment may be for several
                above -= 1
            self.assertTrue(lines[above].startswith("# "), f"{key}: no reason above it")

    def test_times_fit_to_the_defaults_of_the_config(self):
        def seconds(text):
            number, unit = re.fullmatch(r"(\d+)(s|min|m|h)", text).groups()
            return int(number) * {"s": 1, "m": 60, "min": 60, "h": 3600}[unit]
        example = (lib.ROOT / "config/example.yaml").read_text()
        grace = seconds(re.search(r"^  grace: (\w+)$", example, re.M)[1])
        stop, = value("TimeoutStopSec")
        self.assertGreaterEqual(seconds(stop), grace + 30)
        self.assertGreaterEqual(seconds(value("TimeoutStartSec")[0]), 600)
        self.assertGreaterEqual(seconds(value("WatchdogSec")[0]), 30)
        concurrency, = re.findall(r"^  concurrency: (\d+)$", example, re.M)
        slow, = re.findall(r"^  max_slow: (\d+)$", example, re.M)
        self.assertGreater(int(value("LimitNOFILE")[0]), int(concurrency) + int(slow) + 2048)

    def test_the_user_is_made_that_it_runs_as(self):
        users = re.findall(r"^u (\w+) ", (lib.ROOT / "deploy/crawld.sysusers").read_text(), re.M)
        self.assertEqual(users, value("User"))
        self.assertEqual(users, value("Group"))

    def test_the_config_of_the_documentation_is_right(self):
        page = (lib.ROOT / "docs/operations.md").read_text()
        config, = re.findall(r"```yaml\n(# /etc/crawld/news\.yaml.*?)```", page, re.S)
        (self.folder / "news.yaml").write_text(config)
        (self.folder / "admin_token").write_text("t\n")
        given = {"STATE_DIRECTORY": str(self.folder), "CREDENTIALS_DIRECTORY": str(self.folder)}
        for name in given:
            self.assertIn(f"${{{name}:-", config)
        result = lib.run(lib.OPTIONS.crawld, "check", "-c", self.folder / "news.yaml",
                         env={**os.environ, **given})
        self.assertEqual(result.returncode, 0, result.stdout)
        for secret in re.findall(r"LoadCredential=(\w+):crawld\.%i\.\1\n", UNIT.read_text()):
            self.assertIn(f"`{secret}`" if secret != "admin_token" else f"NAME.{secret}", page)

    def test_installing_puts_all_where_systemd_looks(self):
        if lib.OPTIONS.build is None:
            self.fail("--build is missing")
        result = lib.run("cmake", "--install", lib.OPTIONS.build, "--prefix", self.folder)
        self.assertEqual(result.returncode, 0, result.stdout)
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        self.assertLessEqual({"bin/crawld", "lib/systemd/system/crawld@.service",
                              "lib/sysusers.d/crawld.conf", "lib/tmpfiles.d/crawld.conf"}, found)
        for kind, tool in (("sysusers", "systemd-sysusers"), ("tmpfiles", "systemd-tmpfiles")):
            root = self.folder / "root"
            (root / "etc").mkdir(parents=True, exist_ok=True)
            more = ["--create"] if kind == "tmpfiles" else []
            result = lib.run(tool, *more, f"--root={root}",
                             self.folder / f"lib/{kind}.d/crawld.conf")
            self.assertEqual((result.returncode, "rror" in result.stdout), (0, False), result.stdout)
        self.assertIn("crawld:", (root / "etc/passwd").read_text())
        self.assertEqual((root / "etc/crawld").stat().st_mode & 0o777, 0o750)
        self.assertEqual((root / "etc/credstore").stat().st_mode & 0o777, 0o700)


if __name__ == "__main__":
    lib.main()
