#!/usr/bin/python3
"""contents_test.py --packages FOLDER --version V : what the Debian package has, by Debian's own tools."""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import package_lib as lib

OPTIONS, _ = lib.options()
DEB = lib.package(OPTIONS.packages)


class ContentsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="crawld-package-"))
        lib.must("dpkg-deb", "-R", DEB, cls.folder / "tree")
        cls.tree = cls.folder / "tree"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def field(self, name):
        return lib.must("dpkg-deb", "-f", DEB, name).strip()

    def test_lintian_has_no_error_and_no_warning(self):
        self.assertTrue(shutil.which("lintian"), "scripts/install-dependencies.sh installs it")
        words = ["lintian", "--allow-root", "--fail-on", "error,warning", DEB]
        found = lib.run(*words)
        self.assertEqual(found.returncode, 0, found.stdout)
        overridden = lib.run(*words, "--show-overrides").stdout
        self.assertNotRegex(overridden, r"(?m)^O: ", "an override needs a reason, and a line here")

    def test_its_version_is_the_projects_and_so_is_its_changelogs(self):
        self.assertEqual(self.field("Version"), OPTIONS.version)
        text = gzip.decompress((self.tree / "usr/share/doc/crawld/changelog.gz").read_bytes()).decode()
        self.assertEqual(re.match(r"crawld \((.*?)\) ", text)[1], OPTIONS.version)
        program = lib.must(self.tree / "usr/bin/crawld", "--version")
        self.assertEqual(program.strip(), f"crawld {OPTIONS.version}")

    def test_it_depends_on_the_libraries_that_it_needs(self):
        depends = self.field("Depends")
        for library in ("libc6", "librocksdb", "libcurl4", "libyaml-cpp", "libssl3"):
            self.assertRegex(depends, rf"(^|, ){library}[^,]* \(>= ")
        self.assertIn("systemd | systemd-standalone-sysusers", depends)

    def test_the_program_is_stripped_and_its_tables_are_read_only(self):
        program = self.tree / "usr/bin/crawld"
        headers = lib.must("readelf", "--sections", "--dynamic", "--wide", program)
        self.assertNotIn(".debug_info", headers)
        self.assertNotIn(".symtab", headers)
        self.assertRegex(headers, r"BIND_NOW|\(FLAGS_1\).*NOW")
        self.assertRegex(headers, r"\(FLAGS_1\).*PIE")

    def test_everything_is_where_debian_looks_for_it(self):
        for path in ("usr/lib/systemd/system/crawld@.service", "usr/lib/sysusers.d/crawld.conf",
                     "usr/lib/tmpfiles.d/crawld.conf", "usr/share/crawld/crawld.schema.json",
                     "usr/share/bash-completion/completions/crawld", "usr/share/zsh/vendor-completions/_crawld",
                     "usr/share/fish/vendor_completions.d/crawld.fish", "usr/share/man/man1/crawld.1.gz", "usr/share/man/man5/crawld.yaml.5.gz",
                     "usr/share/doc/crawld/copyright", "usr/share/doc/crawld/README.md",
                     "usr/share/doc/crawld/docs/operations.md", "etc/crawld/example.yaml"):
            self.assertTrue((self.tree / path).is_file(), path)
        self.assertEqual((self.tree / "DEBIAN/conffiles").read_text(), "/etc/crawld/example.yaml\n")
        for script in ("postinst", "prerm", "postrm"):
            self.assertTrue(os.access(self.tree / "DEBIAN" / script, os.X_OK), script)
        outside = {name.split("/")[0] for name in lib.paths(self.tree)} - {"DEBIAN", "usr", "etc"}
        self.assertEqual(outside, set())

    def test_the_samples_name_the_schema_where_it_is(self):
        schema = self.tree / "usr/share/crawld/crawld.schema.json"
        seen = 0
        for path in [self.tree / "etc/crawld/example.yaml",
                     *(self.tree / "usr/share/doc/crawld/examples").glob("*.yaml")]:
            named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())[1]
            found = self.tree / named[1:] if named.startswith("/") else path.parent / named
            self.assertEqual(found.resolve(), schema.resolve(), path)
            ours = (lib.ROOT / "config" / path.name).read_text()
            self.assertEqual(path.read_text().split("\n", 1)[1], ours.split("\n", 1)[1])
            seen += 1
        self.assertGreaterEqual(seen, 3)

    def test_every_file_is_in_md5sums_but_the_conffile(self):
        listed = {line.split("  ", 1)[1] for line in (self.tree / "DEBIAN/md5sums").read_text().splitlines()}
        files = {name for name, what in lib.paths(self.tree).items()
                 if what is not None and not name.startswith("DEBIAN/")}
        self.assertEqual(files - listed, set() if "etc/crawld/example.yaml" in listed
                         else {"etc/crawld/example.yaml"})
        self.assertEqual(listed - files, set())

    def test_the_same_tree_gives_the_same_package(self):
        """With SOURCE_DATE_EPOCH, as scripts/package.sh sets it, no date of today is in it."""
        listing = lib.must("dpkg-deb", "-c", DEB)
        dates = set(re.findall(r" (\d{4}-\d\d-\d\d \d\d:\d\d) \./", listing))
        self.assertEqual(len(dates), 1, dates)

    def test_maintainer_scripts_are_sound_shell(self):
        for script in ("postinst", "prerm", "postrm"):
            subprocess.run(["sh", "-n", self.tree / "DEBIAN" / script], check=True)


unittest.main(argv=sys.argv[:1])
