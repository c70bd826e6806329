#!/usr/bin/python3
"""systemd_test.py --packages FOLDER --site-server FILE : the Debian package on a running system, with its
real dpkg, whose account of what is installed is there, so that nothing is fetched, and a real systemd. What
that needs, and where it is skipped: booted_systemd.py.
"""
import os
import pathlib
import re
import shutil
import unittest

import package_lib as lib
import booted_systemd  # in tests/support, as package_lib says
from booted_systemd import INSIDE, journal, show, systemctl


def give(folder):
    """The package, a newer one, and the site server."""
    options, _ = lib.options()
    deb = lib.package(options.packages)
    shutil.copy(deb, folder)
    version = lib.must("dpkg-deb", "-f", deb, "Version").strip()
    lib.bumped(deb, folder, version + "+1").rename(folder / "new.deb")
    shutil.copy(options.site_server, folder / "site_server")


class RunningSystemTest(unittest.TestCase):
    """In the booted system."""

    def test_it_lives_and_goes_as_a_package_should(self):
        lib.run("dpkg", "--purge", "crawld")  # of this machine
        # An image's own may forbid what this is about.
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
        before = self.everything()
        lib.must("dpkg", "--force-unsafe-io", "-i", lib.package(INSIDE))
        self.assertEqual(systemctl("list-units", "--no-legend", "crawld@*").stdout.strip(), "",
                         "a first install starts nothing")

        with lib.Site(INSIDE / "site_server", "--pages", "20") as site:
            data = "${STATE_DIRECTORY}"
            lib.config(pathlib.Path("/etc/crawld"), "news", site.url, data)
            lib.config(pathlib.Path("/etc/crawld"), "idle", site.url, data)
            started = systemctl("enable", "--now", "crawld@news")
            self.assertEqual(started.returncode, 0, started.stdout + journal("crawld@*"))
            log = pathlib.Path("/var/lib/crawld/news/crawl.log")
            booted_systemd.wait_until("crawld@news", "a page",
                                      lambda: log.exists() and log.stat().st_size > 0)
            pid = show("crawld@news", "MainPID")
            program = pathlib.Path(f"/proc/{pid}/exe")
            self.assertEqual(os.readlink(program), "/usr/bin/crawld")
            self.assertEqual(pathlib.Path(f"/proc/{pid}").owner(), "crawld")

            lib.must("dpkg", "--force-unsafe-io", "-i", INSIDE / "new.deb")
            self.assertEqual(show("crawld@news", "ActiveState"), "active", journal("crawld@*"))
            new = show("crawld@news", "MainPID")
            self.assertNotEqual(new, pid, "it runs on with the old program")
            self.assertEqual(os.readlink(f"/proc/{new}/exe"), "/usr/bin/crawld")
            self.assertEqual(show("crawld@idle", "ActiveState"), "inactive", "what was stopped stays so")

            lib.must("dpkg", "--remove", "crawld")
            self.assertNotEqual(show("crawld@news", "ActiveState"), "active")
            self.assertFalse(pathlib.Path(f"/proc/{new}").exists(), "it still runs")
            self.assertIn("Deactivated successfully", journal("crawld@*"), "it was not stopped in peace")

        self.assertTrue(list(pathlib.Path("/var/lib/crawld/news/warc").glob("*.warc.gz")))
        said = lib.must("dpkg", "--purge", "crawld")
        self.assertIn("/var/lib/crawld are kept", said)
        # Now what the administrator has made, by hand; what then is left is of the package's.
        for path in ("/var/lib/crawld", "/etc/crawld"):
            shutil.rmtree(path)
        left = self.everything() - before
        kept = r"/etc/(passwd|group|g?shadow)-|/etc/\.pwd\.lock"
        self.assertEqual({p for p in left if not re.fullmatch(kept, p)}, set())

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


if __name__ == "__main__":
    booted_systemd.main(give)
