#!/usr/bin/python3
"""lifecycle_test.py --packages FOLDER --site-server FILE : the Debian package is installed, crawls, is
upgraded, removed and purged, by dpkg, below a folder of its own. Maintainer scripts run with DPKG_ROOT,
as in a build of an image. Nothing of this machine is changed. Needs root, or fakeroot in its place."""
import os
import pathlib
import re
import shutil
import stat
import sys
import tempfile
import unittest

import package_lib as lib

if os.geteuid() != 0:
    if not shutil.which("fakeroot"):
        sys.exit("neither root nor fakeroot is there")
    os.execvp("fakeroot", ["fakeroot", sys.executable, *sys.argv])

OPTIONS, _ = lib.options()
DEB = lib.package(OPTIONS.packages)
EXAMPLE = "etc/crawld/example.yaml"


class LifecycleTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crawld-lifecycle-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.root = self.folder / "root"
        database = self.root / "var/lib/dpkg"
        for name in ("info", "updates", "triggers", "parts"):
            (database / name).mkdir(parents=True)
        # The packages that this one depends on are taken to be installed, as they are on this machine.
        packages = pathlib.Path("/var/lib/dpkg/status").read_text(encoding="utf-8").split("\n\n")
        (database / "status").write_text(
            "\n\n".join(p for p in packages if not p.startswith("Package: crawld\n")), encoding="utf-8")
        (self.root / "etc/systemd/system").mkdir(parents=True)
        (self.root / "usr/bin").mkdir(parents=True)
        (self.root / "usr/bin/true").touch()  # of another package
        (self.root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (self.root / "etc/group").write_text("root:x:0:\n")
        self.before = self.rest()

    def dpkg(self, *words):
        return lib.must("dpkg", f"--root={self.root}", "--force-script-chrootless", "--force-confold",
                        "--force-unsafe-io",                        f"--log={self.folder}/log", *words,
                        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})

    def rest(self):
        """What is there, but for dpkg's own accounts."""
        return {name: what for name, what in lib.paths(self.root).items()
                if not name.startswith("var/lib/dpkg/")}

    def status(self):
        text = (self.root / "var/lib/dpkg/status").read_text(encoding="utf-8")
        found = re.search(r"^Package: crawld\nStatus: (.*)\n(?:.*\n)*?Version: (.*)\n", text, re.M)
        return (found[1], found[2]) if found else None

    def crawl(self, site):
        """The installed program, once. Its summary."""
        config = lib.config(self.root / "etc/crawld", "news", site.url, self.root / "var/lib/crawld/news")
        return lib.must(self.root / "usr/bin/crawld", "run", "--once", "-c", config)

    def test_installed_upgraded_removed_and_purged(self):
        version = lib.must("dpkg-deb", "-f", DEB, "Version").strip()
        self.dpkg("-i", DEB)
        self.assertEqual(self.status(), ("install ok installed", version))
        uid = int(re.search(r"^crawld:x:(\d+):", (self.root / "etc/passwd").read_text(), re.M)[1])
        gid = int(re.search(r"^crawld:x:(\d+):", (self.root / "etc/group").read_text(), re.M)[1])
        self.assertLess(uid, 1000)
        for name, owner, mode in (("etc/crawld", (0, gid), 0o750), ("etc/credstore", (0, 0), 0o700),
                                  ("var/lib/crawld", (uid, gid), 0o755)):
            found = (self.root / name).stat()
            self.assertEqual((found.st_uid, found.st_gid), owner, name)
            self.assertEqual(stat.S_IMODE(found.st_mode), mode, name)

        with lib.Site(OPTIONS.site_server, "--pages", "20") as site:
            first = self.crawl(site)
            self.assertRegex(first, r"crawl 'news' complete: [1-9][0-9]* pages")
            data = self.root / "var/lib/crawld/news"
            kept = {str(p) for p in data.rglob("*.warc.gz")}
            self.assertTrue(kept)
            pathlib.Path(self.root / EXAMPLE).write_text("name: mine\n")

            new = lib.bumped(DEB, self.folder, version + "+1")
            self.dpkg("-i", new)
            self.assertEqual(self.status(), ("install ok installed", version + "+1"))
            self.assertEqual((self.root / EXAMPLE).read_text(), "name: mine\n", "a config that was changed")
            self.assertTrue((self.root / (EXAMPLE + ".dpkg-dist")).is_file())
            again = self.crawl(site)
            self.assertRegex(again, r"crawl 'news' complete: 0 pages", "it has forgotten")
            self.assertLessEqual(kept, {str(p) for p in data.rglob("*.warc.gz")})

        self.dpkg("-r", "crawld")
        self.assertEqual(self.status()[0], "deinstall ok config-files")
        self.assertFalse((self.root / "usr/bin/crawld").exists())
        self.assertTrue((self.root / EXAMPLE).is_file(), "a conffile stays until purged")

        wants = self.root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir()
        (wants / "crawld@news.service").symlink_to("/usr/lib/systemd/system/crawld@.service")
        said = self.dpkg("-P", "crawld")
        self.assertIn("var/lib/crawld are kept", said)
        self.assertIsNone(self.status())
        left = {n for n, what in self.rest().items() if what is not None} - set(self.before)
        files = {n for n in left if not n.startswith("var/lib/crawld/news/")}
        # What the administrator has written, and what the crawl has.
        self.assertEqual(files, {"etc/crawld/news.yaml", *self.accounts(left)})
        self.assertTrue(any(n.endswith(".warc.gz") for n in left))

    @staticmethod
    def accounts(names):
        """Of the user, who stays: a crawl elsewhere may be his."""
        return {n for n in names
                if re.fullmatch(r"etc/(passwd|group|shadow|gshadow|\.pwd\.lock)-?", n)}

    def test_a_purge_without_crawls_leaves_nothing_but_the_user(self):
        self.dpkg("-i", DEB)
        self.dpkg("-P", "crawld")
        after = self.rest()
        added = set(after) - set(self.before)
        self.assertEqual(added, self.accounts(added))
        self.assertEqual(set(self.before) - set(after), set())
        changed = {n for n in self.before if self.before[n] != after[n]}
        self.assertEqual(changed, {"etc/passwd", "etc/group"})

    def test_a_second_install_finds_what_the_first_has_left(self):
        self.dpkg("-i", DEB)
        passwd = (self.root / "etc/passwd").read_text()
        self.dpkg("-r", "crawld")
        self.dpkg("-i", DEB)
        self.assertEqual((self.root / "etc/passwd").read_text(), passwd)
        self.assertEqual(self.status()[0], "install ok installed")


class ScriptsTest(unittest.TestCase):
    """The maintainer scripts where systemd runs: what they ask of it, told by stand-ins."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crawld-scripts-"))
        self.addCleanup(shutil.rmtree, self.folder)
        lib.must("dpkg-deb", "-e", DEB, self.folder / "control")
        (self.folder / "running").mkdir()
        (self.folder / "bin").mkdir()
        self.log = self.folder / "log"
        for name in ("systemctl", "deb-systemd-invoke", "systemd-sysusers", "systemd-tmpfiles"):
            self.stand_in(name, 0)

    def stand_in(self, name, code):
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.log}"\nexit {code}\n')
        path.chmod(0o755)

    def call(self, script, *words, systemd=True):
        """What the script has called."""
        path = self.folder / "control" / script
        text = path.read_text()
        self.assertIn("/run/systemd/system", text)
        path.write_text(text.replace("/run/systemd/system",
                                     str(self.folder / ("running" if systemd else "not-there"))))
        environment = {k: v for k, v in os.environ.items() if k != "DPKG_ROOT"}
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
        self.log.write_text("")
        self.said = lib.must(path, *words, env=environment)
        path.write_text(text)
        return self.log.read_text().splitlines()

    def test_a_first_install_starts_nothing(self):
        self.assertEqual(self.call("postinst", "configure", ""),
                         ["systemd-sysusers crawld.conf", "systemd-tmpfiles --create crawld.conf",
                          "systemctl --system daemon-reload"])

    def test_an_upgrade_restarts_what_runs_and_stops_nothing_before(self):
        self.assertEqual(self.call("prerm", "upgrade", "2"), [])
        self.assertEqual(self.call("postinst", "configure", "1")[2:],
                         ["systemctl --system daemon-reload",
                          "deb-systemd-invoke try-restart crawld@*.service"])
        self.assertEqual(self.call("postrm", "upgrade", "2"), [])

    def test_a_crawl_that_does_not_come_back_is_told_and_fails_no_upgrade(self):
        self.stand_in("deb-systemd-invoke", 1)
        self.call("postinst", "configure", "1")
        self.assertIn("has not come back", self.said)

    def test_a_removal_stops_what_runs(self):
        self.assertEqual(self.call("prerm", "remove"), ["deb-systemd-invoke stop crawld@*.service"])
        self.assertEqual(self.call("postrm", "remove"), ["systemctl --system daemon-reload"])

    def test_without_systemd_it_is_not_asked(self):
        self.assertEqual(self.call("postinst", "configure", "1", systemd=False),
                         ["systemd-sysusers crawld.conf", "systemd-tmpfiles --create crawld.conf"])
        self.assertEqual(self.call("prerm", "remove", systemd=False), [])
        self.assertEqual(self.call("postrm", "remove", systemd=False), [])

    def test_a_user_that_cannot_be_made_fails_the_install(self):
        self.stand_in("systemd-sysusers", 1)
        with self.assertRaises(AssertionError):
            self.call("postinst", "configure", "")


unittest.main(argv=sys.argv[:1])
