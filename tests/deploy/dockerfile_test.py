#!/usr/bin/python3
"""dockerfile_test.py --crawld FILE : the Dockerfile says what it should."""
import fnmatch
import re
import unittest

import deploy_lib as lib
import dockerfile


class DockerfileTest(unittest.TestCase):
    def setUp(self):
        self.build, self.final = dockerfile.stages()

    def test_it_begins_with_debian_12_and_ends_with_its_slim_sister(self):
        self.assertEqual((self.build.base, self.final.base), ("debian:12", "debian:12-slim"))

    def test_what_it_copies_is_there_and_not_kept_from_it(self):
        for copied in self.build.all("COPY"):
            *sources, _ = copied.split()
            for source in sources:
                self.assertTrue((lib.ROOT / source).exists(), source)
                for pattern in dockerfile.ignored():
                    self.assertFalse(fnmatch.fnmatch(source, pattern), f"{source} is ignored")
        for copied in self.final.all("COPY"):
            self.assertRegex(copied, r"^--from=build /")
            self.assertIn(copied.split()[1], " ".join(self.build.all("RUN")) + " /usr/bin/crawld")
        self.assertEqual(self.build.all("ADD") + self.final.all("ADD"), [])

    def test_nothing_that_is_private_or_built_here_goes_in(self):
        for name in (".git", "build"):
            self.assertIn(name, dockerfile.ignored())
            self.assertFalse(any(line.startswith("!") for line in dockerfile.ignored()))

    def test_all_that_cmake_reads_goes_in(self):
        added = re.compile(r"(?m)^add_subdirectory\((\w+)\)")
        for name in added.findall((lib.ROOT / "CMakeLists.txt").read_text()):
            for pattern in dockerfile.ignored():
                self.assertFalse(fnmatch.fnmatch(f"{name}/CMakeLists.txt", pattern))

    def test_it_installs_without_recommendations_and_leaves_no_lists(self):
        run, = self.final.all("RUN")
        self.assertIn("apt-get update", run)
        self.assertIn("--no-install-recommends", run)
        self.assertIn("rm -rf /var/lib/apt/lists/*", run)
        self.assertEqual(self.final.installs(), ["ca-certificates"])

    def test_it_runs_as_a_fixed_user_who_is_not_root(self):
        user, group = self.final.user()
        self.assertGreater(user, 999)
        run, = self.final.all("RUN")
        self.assertIn(f"groupadd --gid {group} crawld", run)
        self.assertIn(f"useradd --uid {user} --gid {group} ", run)
        self.assertIn(f"-o {user} -g {group} {self.final.last('VOLUME')}", run)

    def test_an_engine_can_stop_and_judge_it(self):
        self.assertEqual(self.final.last("STOPSIGNAL"), "SIGTERM")
        self.assertEqual(self.final.words("ENTRYPOINT"), ["crawld"])
        self.assertEqual(self.final.words("CMD"), ["run", "-c", "/etc/crawld/crawl.yaml"])
        self.assertEqual(self.final.health_check(), ["crawld", "status", "-c", "/etc/crawld/crawl.yaml",
                                                     "--check", "alive"])

    def test_it_says_what_it_is(self):
        labels = " ".join(self.final.all("LABEL"))
        for name in ("title", "description", "version", "revision", "base.name"):
            self.assertRegex(labels, rf'org\.opencontainers\.image\.{re.escape(name)}="[^"]+"')

    def test_the_program_is_stripped(self):
        self.assertRegex(" ".join(self.build.all("RUN")), r"cmake --install \S+ .*--strip")

    def test_the_packages_are_those_of_the_libraries_that_are_loaded(self):
        packages = dockerfile.runtime_packages()
        for name in ("libc6", "libcurl4", "libssl3", "libstdc++6"):
            self.assertIn(name, packages)
        self.assertEqual([name for name in packages if name.endswith("-dev")], [])
        result = lib.run(lib.ROOT / "deploy/runtime-packages.sh", "/etc/hostname")
        self.assertEqual(result.returncode, 1)


if __name__ == "__main__":
    lib.main()
