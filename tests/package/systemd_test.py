#!/usr/bin/python3
"""systemd_test.py --packages FOLDER --site-server FILE : the Debian package on a running system, with its
real dpkg and its real systemd.

Boots a systemd as process 1 of new namespaces, on a throw-away overlay of this machine's root file system;
dpkg's account of what is installed is there, so nothing is fetched. In there a service of that systemd runs
this script with --inside. Nothing of this machine is changed. Needs root, overlayfs and a control group
hierarchy of version 2; where the kernel does not give these, it says so and is skipped.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import package_lib as lib

PATIENCE_S = 120                            # for everything
INSIDE = pathlib.Path("/crawld-package")    # in the new root: packages, programs, results
SHUTDOWN = "RTMIN+14"                       # systemd(1): ends at once
MASKED = ("systemd-sysctl.service", "systemd-modules-load.service", "systemd-remount-fs.service",
          "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-timesyncd.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
          "systemd-update-utmp.service", "systemd-journald-audit.socket",
          "systemd-networkd-wait-online.service", "systemd-tmpfiles-setup.service")
UNITS = {
    "package-test.target": "[Unit]\nWants=package-test.service sysinit.target\nAfter=sysinit.target\n",
    "package-test.service": f"""\
[Unit]
After=basic.target
Requires=basic.target
[Service]
Type=exec
StandardOutput=append:{INSIDE}/result
StandardError=append:{INSIDE}/result
ExecStart=/usr/bin/python3 {INSIDE}/tests/systemd_test.py --inside --packages {INSIDE} \
--site-server {INSIDE}/site_server
ExecStopPost=/bin/sh -c 'echo "$EXIT_STATUS" >{INSIDE}/code'
ExecStopPost=kill -s {SHUTDOWN} 1
"""}


def mount(kind, source, target, *more):
    target.mkdir(parents=True, exist_ok=True)
    words = ["mount", "--bind"] if kind == "bind" else ["mount", "-t", kind]
    done = lib.run(*words, *more, source, target)
    if done.returncode != 0:
        lib.skip(f"the kernel does not let {target.name} be mounted: {done.stdout.strip()}")


def boot(work):
    """In the new namespaces: lays out the root, and becomes systemd."""
    root = work / "root"
    mount("tmpfs", "tmpfs", work)
    for name in ("upper", "work"):
        (work / name).mkdir()
    mount("overlay", "overlay", root, "-o", f"lowerdir=/,upperdir={work}/upper,workdir={work}/work")
    mount("proc", "proc", root / "proc")
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
    for name, text in UNITS.items():
        (units / name).write_text(text)
    (root / "etc/machine-id").write_text("")
    # An image's own may forbid what this is about.
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    mount("bind", work.with_name("inside"), root / INSIDE.relative_to("/"))
    os.chdir(root)
    pathlib.Path("before").mkdir()
    if lib.run("pivot_root", ".", "before").returncode != 0:
        lib.skip("the kernel does not let the root be changed")
    os.chdir("/")
    lib.run("umount", "-l", "/before")
    lib.run("mount", "--make-rshared", "/")
    os.execve("/lib/systemd/systemd",
              ["systemd", "--unit=package-test.target", "--show-status=false", "--log-target=journal"],
              {"container": "package-test", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


def outside(options):
    if os.getuid() != 0:
        lib.skip("only root can make the namespaces")
    hierarchies = re.findall(r"^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 ",
                             pathlib.Path("/proc/self/mountinfo").read_text(), re.M)
    if not hierarchies:
        lib.skip("no control group hierarchy of version 2 is mounted")
    own = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)[1]
    group = pathlib.Path(hierarchies[0] + own) / f"crawld-package-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as e:
        lib.skip(f"no control group can be made: {e}")
    with tempfile.TemporaryDirectory(prefix="crawld-package-") as folder:
        folder = pathlib.Path(folder)
        inside = folder / "inside"
        inside.mkdir()
        deb = lib.package(options.packages)
        shutil.copy(deb, inside)
        version = lib.must("dpkg-deb", "-f", deb, "Version").strip()
        lib.bumped(deb, folder, version + "+1").rename(inside / "new.deb")
        shutil.copy(options.site_server, inside / "site_server")
        shutil.copytree(lib.ROOT / "tests/support", inside / "support")
        shutil.copytree(pathlib.Path(__file__).parent, inside / "tests",
                        ignore=shutil.ignore_patterns("__pycache__"))

        def enter():
            (group / "cgroup.procs").write_text("0")
        try:
            done = subprocess.run(
                ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation=private",
                 "--uts", "--ipc", "--net", "--cgroup", sys.executable, __file__,
                 "--boot", str(folder / "root")],
                preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False)
            if done.returncode == lib.SKIPPED:
                lib.skip(done.stdout.replace("SKIPPED: ", "").strip())
            result, code = inside / "result", inside / "code"
            print(result.read_text() if result.exists() else "there is no result")
            if not code.exists() or code.read_text().strip() != "0":
                print(done.stdout)
                sys.exit(1)
        finally:
            for path in sorted(group.glob("**/"), key=lambda p: len(p.parts), reverse=True):
                for _ in range(100):
                    try:
                        path.rmdir()
                        break
                    except OSError:  # the kernel has not buried its last process yet
                        time.sleep(0.02)


def systemctl(*words):
    return lib.run("systemctl", "--no-pager", *words)


def show(unit, name):
    return systemctl("show", "--value", f"--property={name}", unit).stdout.strip()


class RunningSystemTest(unittest.TestCase):
    """In the booted system."""

    def test_it_lives_and_goes_as_a_package_should(self):
        deb = lib.package(OPTIONS.packages)
        lib.run("dpkg", "--purge", "crawld")  # of this machine
        before = self.everything()
        lib.must("dpkg", "--force-unsafe-io", "-i", deb)
        self.assertEqual(systemctl("list-units", "--no-legend", "crawld@*").stdout.strip(), "",
                         "a first install starts nothing")

        with lib.Site(OPTIONS.site_server, "--pages", "20") as site:
            data = "${STATE_DIRECTORY}"
            lib.config(pathlib.Path("/etc/crawld"), "news", site.url, data)
            lib.config(pathlib.Path("/etc/crawld"), "idle", site.url, data)
            started = systemctl("enable", "--now", "crawld@news")
            self.assertEqual(started.returncode, 0, started.stdout + self.journal())
            self.wait_for_page("news")
            pid = show("crawld@news", "MainPID")
            program = pathlib.Path(f"/proc/{pid}/exe")
            self.assertEqual(os.readlink(program), "/usr/bin/crawld")
            self.assertEqual(pathlib.Path(f"/proc/{pid}").owner(), "crawld")

            lib.must("dpkg", "--force-unsafe-io", "-i", OPTIONS.packages / "new.deb")
            self.assertEqual(show("crawld@news", "ActiveState"), "active", self.journal())
            new = show("crawld@news", "MainPID")
            self.assertNotEqual(new, pid, "it runs on with the old program")
            self.assertEqual(os.readlink(f"/proc/{new}/exe"), "/usr/bin/crawld")
            self.assertEqual(show("crawld@idle", "ActiveState"), "inactive", "what was stopped stays so")

            lib.must("dpkg", "--remove", "crawld")
            self.assertNotEqual(show("crawld@news", "ActiveState"), "active")
            self.assertFalse(pathlib.Path(f"/proc/{new}").exists(), "it still runs")
            self.assertIn("Deactivated successfully", self.journal(), "it was not stopped in peace")

        self.assertTrue(list(pathlib.Path("/var/lib/crawld/news/warc").glob("*.warc.gz")))
        said = lib.must("dpkg", "--purge", "crawld")
        self.assertIn("/var/lib/crawld are kept", said)
        # Now what the administrator has made, by hand; what then is left is of the package's.
        for path in ("/var/lib/crawld", "/etc/crawld"):
            shutil.rmtree(path)
        left = self.everything() - before
        self.assertEqual({p for p in left if not re.fullmatch(r"/etc/(passwd|group|g?shadow)-|/etc/\.pwd\.lock", p)},
                         set())

    @staticmethod
    def everything():
        """What is in the folders that packages write to, but for the logs and dpkg's own accounts."""
        found = set()
        for top in ("/etc", "/usr", "/lib", "/opt", "/srv", "/var/lib"):
            for folder, names, files in os.walk(top):
                if folder in ("/var/lib", "/var/lib/systemd"):
                    names[:] = [n for n in names if n not in ("dpkg", "private")]
                found |= {os.path.join(folder, name) for name in [*names, *files]}
        return {p for p in found if not p.startswith("/var/lib/systemd/")}

    @staticmethod
    def journal():
        lib.run("journalctl", "--sync")
        return lib.run("journalctl", "--no-pager", "-o", "cat", "-u", "crawld@*").stdout

    def wait_for_page(self, name):
        """systemd tells nobody without D-Bus, so the archive is looked at again and again."""
        until = time.monotonic() + PATIENCE_S / 2
        while time.monotonic() < until:
            log = pathlib.Path(f"/var/lib/crawld/{name}/crawl.log")
            if log.exists() and log.stat().st_size > 0:
                return
            time.sleep(0.02)
        self.fail("no page was fetched\n" + systemctl("status", f"crawld@{name}").stdout + self.journal())


OPTIONS, _ = lib.options()
if OPTIONS.boot:
    boot(OPTIONS.boot)
elif OPTIONS.inside:
    unittest.main(argv=sys.argv[:1], verbosity=2)
else:
    outside(OPTIONS)
