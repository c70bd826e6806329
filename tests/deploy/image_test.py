#!/usr/bin/python3
"""image_test.py --crawld FILE [--image DIR] : what comes of the Dockerfile, run.

Builds no image: that would compile crawld anew. The final stage is laid out here from the program that is
built already and the files of just those packages that the Dockerfile would install, and run as an engine
would: the Dockerfile's own ENTRYPOINT, CMD, USER and STOPSIGNAL, as process 1 of new namespaces, on a
read-only root, without capabilities. If a library were missing in the list, it would not start. With
--image DIR the root is that of an image that was built (image_by_hand.sh).

Needs root; without, it says so and is skipped.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import deploy_lib as lib
import dockerfile

CONFIG = """\
name: image
data_dir: /var/lib/crawld
identity: {user_agent: "image-test/1 (+https://example.org/)"}
shutdown: {grace: 1s}
"""


def lay_out(root):
    """What the final stage has, but for what is of no use to crawld: a shell, apt and so on."""
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    final = dockerfile.stages()[-1]
    listed = subprocess.run(["dpkg", "-L", *dockerfile.runtime_packages(), *final.installs()], text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    for source in map(pathlib.Path, dict.fromkeys(listed.split("\n"))):
        target = root / source.relative_to("/") if source.is_absolute() else None
        if target is None or str(source).startswith("/usr/share/doc") or source.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists() and not target.exists():
            shutil.copy(source, target, follow_symlinks=False)
    shutil.copytree("/etc/ssl/certs", root / "etc/ssl/certs", dirs_exist_ok=True)  # ca-certificates makes it
    shutil.copy(lib.OPTIONS.crawld, root / "usr/bin/crawld")
    lib.run("strip", root / "usr/bin/crawld")
    for name in ("etc/crawld", "proc", "dev", "tmp", "var/lib/crawld"):
        (root / name).mkdir(parents=True, exist_ok=True)


class Container:
    """The root as an engine would run it: process 1, read-only, as the Dockerfile's USER."""

    def __init__(self, root, folder, config=CONFIG):
        self.final = dockerfile.stages()[-1]
        self.volume = folder / "volume"
        self.volume.mkdir()
        os.chown(self.volume, *self.final.user())
        self.config = folder / "crawl.yaml"
        self.config.write_text(config)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--net",
             "--ipc", "--uts", sys.executable, __file__, "--process-1", root, self.volume, self.config],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = []

    def wait_for(self, words):
        for line in self.process.stderr:
            self.log.append(line)
            if words in line:
                return
        raise AssertionError(f"ended with {self.process.wait()}: " + "".join(self.log))

    def pid(self):
        """Of its process 1, as seen from here."""
        me = self.process.pid
        return int(pathlib.Path(f"/proc/{me}/task/{me}/children").read_text())

    def execute(self, *words):
        user, group = self.final.user()
        return lib.run("nsenter", "--target", self.pid(), "--mount", "--pid", "--net", "--root", "--wd",
                       f"--setuid={user}", f"--setgid={group}", *words)

    def close(self):
        if self.process.poll() is None:
            os.kill(self.pid(), signal.SIGKILL)
        self.log += self.process.communicate(timeout=lib.PATIENCE_S)[1].splitlines(keepends=True)


def become_process_1(root, volume, config):
    """In the new namespaces."""
    final = dockerfile.stages()[-1]

    def mount(*words):
        if (result := lib.run("mount", *words)).returncode != 0:
            sys.exit(result.stdout)
    data = root / final.last("VOLUME").lstrip("/")
    place = root / "etc/crawld/crawl.yaml"
    if not place.exists():
        place.touch()
    mount("--bind", root, root)
    mount("--bind", volume, data)
    mount("--bind", "-o", "ro", config, place)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "tmpfs", "-o", "ro", "tmpfs", root / "tmp")
    mount("-t", "tmpfs", "tmpfs", root / "dev")
    for name in ("null", "urandom"):
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    mount("-o", "remount,bind,ro", root)
    os.chroot(root)
    os.chdir(final.last("WORKDIR"))
    no_new_privileges = 38
    ctypes.CDLL(None).prctl(no_new_privileges, 1, 0, 0, 0)
    user, group = final.user()
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    os.execvpe(final.words("ENTRYPOINT")[0], final.words("ENTRYPOINT") + final.words("CMD"),
               {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


class ContainerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if IMAGE:
            cls.root = IMAGE
            return
        folder = tempfile.TemporaryDirectory(prefix="crawld-image-")
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        cls.root.chmod(0o755)
        lay_out(cls.root)

    def start(self, config=CONFIG):
        folder = tempfile.TemporaryDirectory(prefix="crawld-volume-")
        self.addCleanup(folder.cleanup)
        container = Container(self.root, pathlib.Path(folder.name), config)
        self.addCleanup(container.close)
        return container

    def test_it_starts_is_well_and_stops_when_it_is_told_to(self):
        container = self.start()
        container.wait_for(" starts crawl 'image' in /var/lib/crawld")
        healthy = container.execute(*container.final.health_check())
        self.assertEqual(healthy.returncode, 0, healthy.stdout)
        os.kill(container.pid(), getattr(signal, container.final.last("STOPSIGNAL")))
        container.wait_for("SIGTERM: stops")
        self.assertEqual(container.process.wait(timeout=lib.PATIENCE_S), 0)

    def test_as_process_1_it_is_stopped_by_ctrl_c_too(self):
        container = self.start()
        container.wait_for(" starts crawl ")
        os.kill(container.pid(), signal.SIGINT)
        self.assertEqual(container.process.wait(timeout=lib.PATIENCE_S), 0)

    def test_it_runs_as_its_user_without_rights_and_writes_to_its_volume_alone(self):
        container = self.start()
        container.wait_for(" starts crawl ")
        status = pathlib.Path(f"/proc/{container.pid()}/status").read_text()
        user, group = container.final.user()
        for line in (f"Uid:\t{user}\t{user}\t{user}\t{user}", f"Gid:\t{group}\t{group}\t{group}\t{group}",
                     "CapEff:\t0000000000000000", "NoNewPrivs:\t1"):
            self.assertIn(line + "\n", status)
        self.assertRegex(status, r"NSpid:\t\d+\t1\n")
        mounts = pathlib.Path(f"/proc/{container.pid()}/mountinfo").read_text()
        self.assertRegex(mounts, r"(?m)^\S+ \S+ \S+ \S+ / ro")
        self.assertEqual((container.volume / "frontier").stat().st_uid, user)

    def test_who_asks_when_nothing_runs_is_told_so(self):
        # The health check of a container whose daemon is gone, or hangs before it listens.
        container = self.start()
        container.wait_for(" starts crawl ")
        words = container.final.health_check()
        (container.volume / "crawld.sock").unlink()
        self.assertEqual(container.execute(*words).returncode, 1)

    def test_a_wrong_config_ends_it_with_2_and_the_place(self):
        container = self.start("name: image\n")
        with self.assertRaisesRegex(AssertionError, r"ended with 2: /etc/crawld/crawl.yaml:.*data_dir"):
            container.wait_for("never")

    def test_https_is_checked_against_the_authorities_that_are_installed(self):
        bundle = self.root / "etc/ssl/certs/ca-certificates.crt"
        self.assertGreater(bundle.read_text().count("BEGIN CERTIFICATE"), 50)


IMAGE = None
if __name__ == "__main__":
    if "--process-1" in sys.argv:
        become_process_1(*map(pathlib.Path, sys.argv[sys.argv.index("--process-1") + 1:]))
    if "--image" in sys.argv:
        at = sys.argv.index("--image")
        IMAGE = pathlib.Path(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    if os.getuid() != 0:
        lib.skip("only root can make the namespaces")
    lib.main()
