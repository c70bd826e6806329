#!/usr/bin/python3
"""systemd_test.py --crawld FILE --site-server FILE --build DIR : the unit under the real systemd.

Boots a systemd of its own, as process 1 of new namespaces (processes, mounts, network, control groups),
on a throw-away overlay of this machine's root file system, in a third of a second. crawld is installed
into it as docs/operations.md says. The tests below run in there, as a service. Nothing of this machine
is changed. Needs root, overlayfs and a control group hierarchy of version 2; where the kernel does not
give these, it says so and is skipped.
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
import subprocess
import sys
import tempfile
import time
import unittest

import deploy_lib as lib

BOOT_S = 100                        # for everything
INSIDE = pathlib.Path("/crawld-test")  # in the new root: programs, sources, results
SHUTDOWN = "RTMIN+14"               # systemd(1): power off at once; here it ends the namespace
# They change what is not of a namespace, or wait for what is not there.
MASKED = ("systemd-sysctl.service", "systemd-modules-load.service", "systemd-remount-fs.service",
          "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-timesyncd.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
          "systemd-update-utmp.service", "systemd-journald-audit.socket",
          "systemd-networkd-wait-online.service", "systemd-tmpfiles-setup.service")
TARGET = """\
[Unit]
Wants=crawld-test.service sysinit.target
After=sysinit.target
"""
SERVICE = """\
[Unit]
After=basic.target
Requires=basic.target
[Service]
Type=exec
StandardOutput=append:{inside}/result
StandardError=append:{inside}/result
ExecStart=/usr/bin/python3 {inside}/tests/deploy/systemd_test.py --inside
ExecStopPost=/bin/sh -c 'echo "$EXIT_STATUS" >{inside}/code'
ExecStopPost=kill -s {shutdown} 1
"""
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


def mount(kind, source, target, *options):
    target.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", kind, *options, source, target]
    if kind == "bind":
        words = ["mount", "--bind", *options, source, target]
    result = lib.run(*words)
    if result.returncode != 0:
        lib.skip(f"the kernel does not let {target.name} be mounted: {result.stdout.strip()}")


def boot(work):
    """In the new namespaces: lays out the root, and becomes systemd."""
    root = work / "root"
    mount("tmpfs", "tmpfs", work)
    for name in ("upper", "work"):
        (work / name).mkdir()
    mount("overlay", "overlay", root, "-o", f"lowerdir=/,upperdir={work}/upper,workdir={work}/work")
    mount("proc", "proc", root / "proc")
    # What is there of the kernel is not this namespace's own.
    mount("bind", root / "proc/sys", root / "proc/sys")
    lib.run("mount", "-o", "remount,bind,ro", root / "proc/sys")
    mount("sysfs", "sysfs", root / "sys", "-o", "ro")
    mount("cgroup2", "cgroup2", root / "sys/fs/cgroup")
    for name in ("run", "tmp", "dev"):
        mount("tmpfs", "tmpfs", root / name)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).touch()
        lib.run("mount", "--bind", f"/dev/{name}", root / "dev" / name)
    mount("tmpfs", "tmpfs", root / "dev/shm")
    mount("devpts", "devpts", root / "dev/pts", "-o", "newinstance,ptmxmode=0666")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    units = root / "etc/systemd/system"
    shutil.rmtree(units, ignore_errors=True)
    units.mkdir(parents=True)
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "crawld-test.target").write_text(TARGET)
    (units / "crawld-test.service").write_text(SERVICE.format(inside=INSIDE, shutdown=SHUTDOWN))
    (root / "etc/machine-id").write_text("")
    installed = lib.run("cmake", "--install", lib.OPTIONS.build, "--strip",
                        env={**os.environ, "DESTDIR": str(root)})
    if installed.returncode != 0:
        sys.exit(installed.stdout)
    if lib.OPTIONS.crawld != lib.OPTIONS.build / "service/crawld":
        shutil.copy(lib.OPTIONS.crawld, root / "usr/local/bin/crawld")
    inside = root / INSIDE.relative_to("/")
    mount("bind", work.with_name("inside"), inside)
    shutil.copy(lib.OPTIONS.site_server, inside / "site_server")
    for name in ("tests/deploy", "tests/support"):
        shutil.copytree(lib.ROOT / name, inside / name)
    # Not chroot(2): services get mount namespaces of their own, and those begin at the real root.
    os.chdir(root)
    pathlib.Path("before").mkdir()
    if lib.run("pivot_root", ".", "before").returncode != 0:
        lib.skip("the kernel does not let the root be changed")
    os.chdir("/")
    lib.run("umount", "-l", "/before")
    # Credentials are mounted by a child of systemd's, in a namespace of its own, and come from there.
    lib.run("mount", "--make-rshared", "/")
    os.execve("/lib/systemd/systemd",
              ["systemd", "--unit=crawld-test.target", "--show-status=false", "--log-level=info",
               "--log-target=journal"],
              {"container": "crawld-test", "PATH": "/usr/local/bin:/usr/bin:/usr/sbin"})


def outside():
    if os.getuid() != 0:
        lib.skip("only root can make the namespaces")
    hierarchies = re.findall(r"^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 ",
                             pathlib.Path("/proc/self/mountinfo").read_text(), re.M)
    if not hierarchies:
        lib.skip("no control group hierarchy of version 2 is mounted")
    own = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)[1]
    group = pathlib.Path(hierarchies[0] + own) / f"crawld-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as e:
        lib.skip(f"no control group can be made: {e}")
    with tempfile.TemporaryDirectory(prefix="crawld-systemd-") as folder:
        folder = pathlib.Path(folder)
        (folder / "inside").mkdir()
        try:
            def enter():
                (group / "cgroup.procs").write_text("0")
            began = time.monotonic()
            try:
                done = subprocess.run(
                    ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation=private",
                     "--uts", "--ipc", "--net", "--cgroup", sys.executable, __file__, *sys.argv[1:],
                     "--boot", str(folder / "root")],
                    preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, timeout=BOOT_S, check=False)
                console, code = done.stdout, done.returncode
            except subprocess.TimeoutExpired as e:
                console, code = (e.stdout or b"").decode(errors="replace"), "a timeout"
            result = folder / "inside/result"
            status = folder / "inside/code"
            if code == lib.SKIPPED:
                lib.skip(console.replace("SKIPPED: ", "").strip())
            if not result.exists() or not status.exists():
                print(console)
                print(result.read_text() if result.exists() else "")
                sys.exit(f"systemd ended with {code} and no result")
            print(result.read_text())
            print(f"in all {time.monotonic() - began:.1f} s")
            if status.read_text().strip() != "0":
                print(console)
                sys.exit(1)
        finally:
            remove(group)


def remove(group):
    """The group with all that systemd has made in it; what was in there ends with the namespace."""
    for path in sorted(group.glob("**/"), key=lambda path: len(path.parts), reverse=True):
        for _ in range(100):
            try:
                path.rmdir()
                break
            except OSError:  # the kernel has not buried its last process yet
                time.sleep(0.02)


def systemctl(*words):
    return lib.run("systemctl", "--no-pager", *words)


def show(unit, *properties):
    words = [f"--property={name}" for name in properties]
    out = systemctl("show", unit, *words).stdout
    found = dict(line.split("=", 1) for line in out.splitlines())
    return found[properties[0]] if len(properties) == 1 else found


def journal(unit):
    lib.run("journalctl", "--sync")
    return lib.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


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
        for words in (["systemd-sysusers"], ["systemd-tmpfiles", "--create", "crawld.conf"]):
            result = lib.run(*words)
            assert result.returncode == 0, result.stdout
        folder = pathlib.Path("/etc/systemd/system/crawld@.service.d")
        folder.mkdir()
        (folder / "haste.conf").write_text(HASTE)
        systemctl("daemon-reload")
        cls.server = subprocess.Popen([INSIDE / "site_server", "--pages", "200", "--latency", "1"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.site = cls.server.stdout.readline().strip().rstrip("/")
        cls.addClassCleanup(cls.server.communicate)
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
seeds: {{urls: ["{self.site}/"]}}
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
        """systemd tells nobody without D-Bus, so it is asked again and again."""
        until = time.monotonic() + lib.PATIENCE_S
        while time.monotonic() < until:
            if holds():
                return
            time.sleep(0.02)
        self.fail(f"never came: {what}\n" + systemctl("status", self.unit).stdout + journal(self.unit))

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
    if "--boot" in sys.argv:
        at = sys.argv.index("--boot")
        sys.argv, place = sys.argv[:at], pathlib.Path(sys.argv[at + 1])
        lib.read_options()
        boot(place)
    elif "--inside" in sys.argv:
        unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)
    else:
        outside()
