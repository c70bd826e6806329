#!/usr/bin/python3
"""papers_test.py CRAWLD ROOT : the man pages are sound, and they and the README are in step with what the
program says of itself."""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

CRAWLD, ROOT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(ROOT / "scripts"))
import command_help  # noqa: E402

PAGES = [ROOT / "man/crawld.1", ROOT / "man/crawld.yaml.5"]
HELP = command_help.read(CRAWLD)


def said(*words):
    done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def section(page, name):
    """The source between .Sh `name` and the next."""
    found = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", page, re.S | re.M)
    return found[1] if found else ""


def items(source):
    """What .It lines say: options as "--once", arguments as "url"."""
    names = set()
    for line in re.findall(r"^\.It (.*)$", source, re.M):
        words = [w for w in line.split() if w != ","]
        if words[0] == "Ar":
            names.add(words[1])
        names |= {"-" + words[i + 1] for i in range(len(words) - 1) if words[i] == "Fl"}
    return names


class ManPagesTest(unittest.TestCase):
    def test_they_are_sound(self):
        for program in ("mandoc", "man"):
            self.assertTrue(shutil.which(program), "scripts/install-dependencies.sh installs it")
        for page in PAGES:
            # Whether pages that they name are installed is not theirs to say.
            _, complaints = said("mandoc", "-T", "lint", page)
            complaints = [line for line in complaints.splitlines()
                          if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
            self.assertEqual(complaints, [])
            rendered = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(page)], text=True,
                                      capture_output=True, check=True)
            self.assertEqual(rendered.stderr, "")
            self.assertGreater(rendered.stdout.count("\n"), 100)

    def test_that_of_the_config_is_what_the_program_prints(self):
        code, text = said(CRAWLD, "schema", "--as", "man")
        self.assertEqual(code, 0)
        self.assertEqual((ROOT / "man/crawld.yaml.5").read_text(), text, "scripts/regenerate.sh writes it")

    def test_every_command_and_each_of_its_options_is_explained_and_no_other(self):
        page = PAGES[0].read_text()
        everywhere = {"-h", "--help"}

        def parts(name):
            """What stands before the first .Ss, and {title: source} of these."""
            found = re.split(r"^\.Ss (.*)\n", section(page, name), flags=re.M)
            return found[0], dict(zip(found[1::2], found[2::2]))
        general, shared = parts("OPTIONS")
        told = parts("COMMANDS")[1]
        there = {" ".join(c.path): c for c in HELP.walk() if c.path}
        self.assertGreater(len(there), 10)
        self.assertEqual(set(told), set(there))
        for name, command in there.items():
            options = {n for option in command.options for n in option.names} - everywhere
            of_others = [shared[title] for title in re.findall(r"^\.Sx (.*?)(?: [.,;])?$", told[name], re.M)]
            self.assertEqual(items("".join([told[name], *of_others])),
                             options | {p.names[0] for p in command.positionals}, f"crawld {name}")
        self.assertEqual(items(general), {n for option in HELP.options for n in option.names})

    def test_every_word_that_an_option_takes_is_named(self):
        page = PAGES[0].read_text()
        seen = 0
        for command in HELP.walk():
            for option in [*command.options, *command.positionals]:
                for word in option.words:
                    self.assertTrue(re.search(rf"^\.Cm {re.escape(word)}\b", page, re.M),
                                    f"{command.path} {option.names}: {word}")
                    seen += 1
        self.assertGreater(seen, 4)

    def test_exit_codes_are_those_of_operations(self):
        status = section(PAGES[0].read_text(), "EXIT STATUS")
        codes = {code for line in re.findall(r"^\.It (.*)$", status, re.M)
                 for code in re.findall(r"\d+", line)}
        operations = (ROOT / "docs/operations.md").read_text()
        table = re.search(r"^## Exit codes\n(.*?)^## ", operations, re.S | re.M)[1]
        rows = {code for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for code in re.findall(r"\d+", row)}
        self.assertEqual(codes, rows)
        self.assertLessEqual({"0", "1", "2"}, codes)
        for name, value in re.findall(r"constexpr int (kExit\w+) = (\d+);", (ROOT / "service/commands.h").read_text()):
            self.assertIn(value, codes, name)

    def test_signals_are_those_that_the_program_takes(self):
        text = (ROOT / "service/signals.cc").read_text()
        taken = set(re.findall(r"\b(SIG[A-Z0-9]+)\b", re.search(r"Handled\(\) {(.*?)^}", text, re.S | re.M)[1]))
        self.assertTrue(taken)
        told = set(re.findall(r"SIG[A-Z0-9]+", section(PAGES[0].read_text(), "SIGNALS")))
        self.assertEqual(told, taken)

    def test_variables_that_the_program_reads_are_named(self):
        rooms = [p for p in ROOT.iterdir() if (p / "CMakeLists.txt").exists() and p.name not in ("tests", "bench", "build")]
        read = {name for room in rooms for path in room.glob("*.cc")
                for name in re.findall(r'getenv\("(\w+)"\)', path.read_text())}
        named = section(PAGES[0].read_text(), "ENVIRONMENT")
        self.assertEqual({name for name in read if name not in named}, set())


class ReadmeTest(unittest.TestCase):
    def test_its_table_has_every_command(self):
        text = (ROOT / "README.md").read_text()
        table = re.search(r"^## Commands\n(.*?)^## ", text, re.S | re.M)[1]
        cells = re.findall(r"^\| `(.*?)`", table, re.M)
        named = {name for cell in cells for name in cell.split()[0].split("\\|")}
        self.assertEqual(named, {c.path[0] for c in HELP.walk() if c.path})

    def test_each_command_has_its_subcommands_there(self):
        text = (ROOT / "README.md").read_text()
        for command in HELP.commands:
            for below in command.commands:
                found = re.search(rf"^\| `{command.path[0]} .*\b{below.path[1]}\b", text, re.M)
                self.assertTrue(found, f"README.md names no {' '.join(below.path)}")


unittest.main(argv=sys.argv[:1])
