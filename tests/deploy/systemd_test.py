#!/usr/bin/python3
"""systemd_test.py --crawld FILE --site-server FILE --build DIR : the unit under a real systemd, where crawld
is installed as docs/operations.md says. What that needs, and where it is skipped: booted_systemd.py.
"""
import contextlib
import http.client
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import unittest

import deploy_lib as lib
import booted_systemd  # in tests/support, as deploy_lib says
from booted_systemd import INSIDE, journal, show, systemctl

# What a test must not wait a minute for; and a forbidden call ends the daemon, so none goes unseen.
HASTE = """\
[Unit]
StartLimitIntervalSec=0
[Service]
RestartSec=50ms
TimeoutStartSec=20s
WatchdogSec=5s
SystemCallErrorNumber=kill
"""


def give(folder):
    """What would be installed, laid out, and the site server."""
    lib.read_options()
    installed = folder / "installed"
    lib.must("cmake", "--install", lib.OPTIONS.build, "--strip",
             env={**os.environ, "DESTDIR": str(installed)})
    if lib.OPTIONS.crawld != lib.OPTIONS.build / "service/crawld":
        shutil.copy(lib.OPTIONS.crawld, installed / "usr/local/bin/crawld")
    shutil.copy(lib.OPTIONS.site_server, folder / "site_server")


class Connection(http.client.HTTPConnection):
    """HTTP by a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


class SystemdTest(unittest.TestCase):
    """In the booted system. Each test has an instance of its own, named like it."""

    TOKEN = "a-token-of-the-tests"

    @classmethod
    def setUpClass(cls):
        lib.must("cp", "-r", "--no-target-directory", INSIDE / "installed", "/")
        lib.must("systemd-sysusers")
        lib.must("systemd-tmpfiles", "--create", "crawld.conf")
        folder = pathlib.Path("/etc/systemd/system/crawld@.service.d")
        folder.mkdir()
        (folder / "haste.conf").write_text(HASTE)
        systemctl("daemon-reload")
        cls.site = cls.enterClassContext(
            lib.Site(INSIDE / "site_server", "--pages", "200", "--latency", "1")).url
        cls.ports = iter(range(18001, 18100))

    def setUp(self):
        self.name = self.id().rpartition(".test_")[2].replace("_", "-")
        self.unit = f"crawld@{self.name}.service"
        self.data = pathlib.Path("/var/lib/crawld") / self.name
        self.config = pathlib.Path(f"/etc/crawld/{self.name}.yaml")
        self.addCleanup(lambda: systemctl("stop", self.unit))

    def write_config(self, more=""):
        self.config.write_text(f"""\
name: news
data_dir: ${{STATE_DIRECTORY}}
identity: {{user_agent: "systemd-test/1 (+https://example.org/)"}}
seeds: {{urls: ["{self.site}"]}}
politeness: {{delay: 0, concurrency_per_host: 8}}
{more or 'fetcher: {allow_addresses: [127.0.0.0/8], cookies: true}'}
""")
        shutil.chown(self.config, "root", "crawld")
        self.config.chmod(0o640)

    def start(self):
        result = systemctl("start", self.unit)
        self.assertEqual(result.returncode, 0, result.stdout + journal(self.unit))

    def stop(self):
        self.assertEqual(systemctl("stop", self.unit).returncode, 0)
        # systemd forgets a unit that has ended well, so its properties say nothing any more.
        self.assertIn(f"{self.unit}: Deactivated successfully.", journal(self.unit))
        self.assertEqual(show(self.unit, "ActiveState"), "inactive")

    def get(self, path):
        with contextlib.closing(Connection(self.data / "crawld.sock")) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def urls(self):
        return json.loads(self.get("/api/v1/status"))["urls"]

    def wait_until(self, what, holds):
        booted_systemd.wait_until(self.unit, what, holds)

    def pid(self):
        pid = int(show(self.unit, "MainPID"))
        self.assertNotEqual(pid, 0, journal(self.unit))  # and 0 is for kill(2) the test itself
        return pid

    def is_ready_again(self, restarts):
        state = show(self.unit, "NRestarts", "ActiveState", "SubState")
        return state == {"NRestarts": str(restarts), "ActiveState": "active", "SubState": "running"}

    def test_a_start_waits_until_the_crawl_is_ready_and_says_what_it_does(self):
        self.write_config()
        self.start()
        # Asked at once, without waiting: READY came after the store was open and the API listened.
        self.assertEqual(json.loads(self.get("/api/v1/status"))["crawl"], "news")
        state = show(self.unit, "ActiveState", "Type", "StatusText")
        self.assertEqual((state["ActiveState"], state["Type"]), ("active", "notify"))
        self.wait_until("a status", lambda: show(self.unit, "StatusText") != "")

    def test_a_whole_crawl_makes_no_call_that_the_filter_forbids(self):
        self.write_config()
        self.start()
        pid = self.pid()
        self.wait_until("the end of the crawl", lambda: self.urls()["done"] >= 200 and
                        self.urls()["queued"] == 0)
        self.get("/metrics")
        self.assertEqual((show(self.unit, "NRestarts"), self.pid()), ("0", pid), journal(self.unit))
        self.stop()
        self.assertTrue(list(self.data.glob("warc/*.warc.gz")))

    def test_the_process_has_no_rights_but_its_own(self):
        self.write_config()
        self.start()
        status = pathlib.Path(f"/proc/{self.pid()}/status").read_text()
        user = pwd.getpwnam("crawld").pw_uid
        for line in (f"Uid:\t{user}\t{user}\t{user}\t{user}", "CapEff:\t0000000000000000",
                     "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
            self.assertIn(line + "\n", status)
        limits = pathlib.Path(f"/proc/{self.pid()}/limits").read_text()
        self.assertRegex(limits, r"Max open files\s+(\d+)\s+\1 ")
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o750)
        self.assertEqual(self.data.owner(), "crawld")
        mounts = pathlib.Path(f"/proc/{self.pid()}/mountinfo").read_text()
        self.assertRegex(mounts, r" / / ro,")

    def test_a_lowered_priority_is_not_refused(self):
        self.write_config()
        self.start()
        nice = {}
        for task in pathlib.Path(f"/proc/{self.pid()}/task").iterdir():
            name, rest = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text()).groups()
            nice[name] = int(rest.split()[16])
        self.assertGreater(nice["admin"], 0, nice)
        self.assertEqual(nice["commit"], 0, nice)

    def test_the_token_comes_as_a_credential(self):
        port = next(self.ports)
        secret = pathlib.Path(f"/etc/credstore/crawld.{self.name}.admin_token")
        secret.write_text(self.TOKEN + "\n")
        secret.chmod(0o600)
        self.write_config("fetcher: {allow_addresses: [127.0.0.0/8]}\n"
                          f'admin: {{listen: "127.0.0.1:{port}",'
                          ' token_file: "${CREDENTIALS_DIRECTORY}/admin_token"}')
        self.start()
        answers = []
        for token in (self.TOKEN, "another"):
            with contextlib.closing(http.client.HTTPConnection(
                    "127.0.0.1", port, timeout=lib.PATIENCE_S)) as connection:
                connection.request("GET", "/healthz", headers={"Authorization": f"Bearer {token}"})
                answers.append(connection.getresponse().status)
        self.assertEqual(answers, [200, 401])
        environment = pathlib.Path(f"/proc/{self.pid()}/environ").read_text()
        self.assertNotIn(self.TOKEN, environment)

    def test_a_killed_daemon_is_started_again_and_goes_on(self):
        self.write_config()
        self.start()
        before = self.pid()
        self.wait_until("pages", lambda: self.urls()["done"] > 0)
        self.assertEqual(systemctl("kill", "-s", "KILL", self.unit).returncode, 0)
        self.wait_until("a restart", lambda: self.is_ready_again(restarts=1))
        self.assertNotEqual(self.pid(), before)
        self.assertGreater(self.urls()["done"], 0)

    def test_a_daemon_that_hangs_is_found_by_the_watchdog_and_started_again(self):
        self.write_config()
        self.start()
        before = self.pid()
        os.kill(before, signal.SIGSTOP)
        self.wait_until("a restart", lambda: self.is_ready_again(restarts=1))
        self.assertNotEqual(self.pid(), before)
        self.assertIn("Watchdog timeout", journal(self.unit))
        self.assertIn("result 'watchdog'", journal(self.unit))

    def test_a_daemon_that_works_is_left_alone_by_the_watchdog(self):
        self.write_config()
        self.start()
        limit = int(show(self.unit, "WatchdogUSec").removesuffix("s")) * 1_000_000
        first = int(show(self.unit, "WatchdogTimestampMonotonic"))
        self.wait_until("reports for longer than the limit", lambda: int(
            show(self.unit, "WatchdogTimestampMonotonic")) > first + limit)
        self.assertEqual(show(self.unit, "NRestarts"), "0")

    def test_a_stop_is_clean(self):
        self.write_config()
        self.start()
        self.stop()
        self.assertFalse(list(self.data.glob("warc/*.open")))

    def test_a_wrong_config_fails_once_and_says_where_it_is_wrong(self):
        self.write_config("fetcher: {concurency: 9}")
        self.assertNotEqual(systemctl("start", self.unit).returncode, 0)
        # Were it to restart, RestartSec=50ms would be over before this is known.
        state = show(self.unit, "ActiveState", "Result", "ExecMainStatus", "NRestarts")
        self.assertEqual(state, {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "2",
                                 "NRestarts": "0"})
        self.assertRegex(journal(self.unit), r"yaml:6:\d+: .*concurency")

    def test_a_failure_that_may_pass_is_tried_again(self):
        self.write_config()
        blocked = self.data / "frontier"
        self.data.mkdir()
        blocked.write_text("a file where a folder should be")
        for path in (self.data, blocked):
            shutil.chown(path, "crawld", "crawld")
        systemctl("start", "--no-block", self.unit)
        self.wait_until("a restart", lambda: int(show(self.unit, "NRestarts")) >= 2)
        blocked.unlink()
        self.wait_until("a start", lambda: show(self.unit, "ActiveState") == "active")

    def test_a_reload_is_taken_up_and_one_with_a_mistake_changes_nothing(self):
        self.write_config()
        self.start()
        before = self.pid()
        self.write_config("fetcher: {concurency: 9}")
        self.assertNotEqual(systemctl("reload", self.unit).returncode, 0)
        self.assertIn("concurency", journal(self.unit))
        self.assertNotIn("reload: ", journal(self.unit))
        self.write_config("fetcher: {allow_addresses: [127.0.0.0/8], cookies: true}\n"
                          "retry: {max_tries: 7}")
        self.assertEqual(systemctl("reload", self.unit).returncode, 0)
        self.wait_until("the change", lambda: "reload: retry.max_tries: 4 -> 7" in journal(self.unit))
        self.wait_until("readiness", lambda: self.is_ready_again(restarts=0))
        self.assertEqual(self.pid(), before)

    def test_crawls_run_beside_one_another(self):
        self.write_config()
        other = f"crawld@{self.name}-2.service"
        pathlib.Path(f"/etc/crawld/{self.name}-2.yaml").write_text(self.config.read_text())
        shutil.chown(f"/etc/crawld/{self.name}-2.yaml", "root", "crawld")
        self.addCleanup(lambda: systemctl("stop", other))
        self.assertEqual(systemctl("start", self.unit, other).returncode, 0)
        self.assertEqual((show(self.unit, "ActiveState"), show(other, "ActiveState")),
                         ("active", "active"))


if __name__ == "__main__":
    booted_systemd.main(give)
