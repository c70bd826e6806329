#!/usr/bin/python3
"""completion_test.py CRAWLD ROOT : the completions of deploy/completion are what scripts/completion.py
writes, and bash, zsh and fish offer by them what `crawld --help` says, everywhere."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

CRAWLD, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(ROOT / "scripts"))
import command_help  # noqa: E402
import completion  # noqa: E402

HELP = command_help.read(CRAWLD)
FOLDER = ROOT / "deploy/completion"
FILES = {"bash": FOLDER / "crawld.bash", "zsh": FOLDER / "_crawld", "fish": FOLDER / "crawld.fish"}


def cases():
    """(words before the cursor, the word there, all that is to be offered, or a part of it)."""
    for command in HELP.walk():
        if command.commands:
            yield command.path, "", {c.path[-1] for c in command.commands}
        for argument in command.positionals[:1]:
            if argument.words:
                yield command.path, "", set(argument.words)
        yield command.path, "-", {n for option in command.options for n in option.names}
        for option in command.options:
            for name in option.names:
                if option.words:
                    yield [*command.path, name], "", set(option.words)
                    yield [*command.path, name], option.words[0][0], \
                        {w for w in option.words if w.startswith(option.words[0][0])}
    # What stands between, and looks like something else.
    yield ["frontier", "list", "-c", "run"], "--l", {"--limit"}
    yield ["check", "--accept", "politeness.delay"], "--s", {"--strict"}
    yield ["submit", "--sitemaps", "list.txt", "-c", "a.yaml", "b"], "--f", {"--format"}
    yield ["log-level", "-c", "a.yaml"], "de", {"debug"}


def file_cases():
    """(words before the cursor, the files that are to be offered, those that are not)."""
    for command in HELP.walk():
        for argument in command.positionals[:1]:
            if completion.kind(argument) == "file":
                yield command.path, {"a.yaml", "b c.yml", "folder", "list.txt"}, set()
        for option in command.options:
            for name in option.names:
                kind = completion.kind(option)
                if kind == "config":
                    yield [*command.path, name], {"a.yaml", "b c.yml", "folder"}, {"list.txt"}
                elif kind == "file":
                    yield [*command.path, name], {"a.yaml", "b c.yml", "folder", "list.txt"}, set()


class Shell:
    """What is asked of each of them."""

    shell = ""
    others_last = False  # as its own functions have it, other files come after those that fit

    @classmethod
    def setUpClass(cls):
        if not shutil.which(cls.shell):
            raise AssertionError(f"there is no {cls.shell}; scripts/install-dependencies.sh installs it")
        cls.home = tempfile.mkdtemp(prefix="crawld-completion-")
        home = pathlib.Path(cls.home)
        (home / "work/folder").mkdir(parents=True)
        for name in ("a.yaml", "b c.yml", "list.txt"):
            (home / "work" / name).touch()
        (home / "bin").mkdir()
        (home / "bin/crawld").symlink_to(CRAWLD)
        cls.environment = {"HOME": cls.home, "PATH": f"{home}/bin:/usr/bin:/bin", "TERM": "dumb",
                           "LC_ALL": "C.UTF-8"}
        cls.work = home / "work"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.home)

    def offered(self, words, current):
        raise NotImplementedError

    def test_the_file_is_what_the_script_writes(self):
        self.assertEqual(FILES[self.shell].read_text(), completion.SHELLS[self.shell](HELP),
                         "scripts/regenerate.sh writes it")

    def test_commands_options_and_words_are_offered_where_they_stand(self):
        count = 0
        for words, current, expected in cases():
            with self.subTest(words=words, current=current):
                self.assertTrue(expected)
                self.assertEqual(self.offered(words, current), expected)
            count += 1
        self.assertGreater(count, 25)

    def test_files_are_offered_where_files_stand(self):
        count = 0
        for words, expected, others in file_cases():
            with self.subTest(words=words):
                if self.others_last:
                    offered = self.offered_in_order(words)
                    self.assertEqual(set(offered), expected | others)
                    self.assertEqual(set(offered[len(offered) - len(others):]), others)
                else:
                    self.assertEqual(self.offered(words, ""), expected)
            count += 1
        self.assertGreater(count, 10)

    def test_keys_are_offered_to_accept(self):
        self.assertEqual(self.offered(["check", "--accept"], "politeness.robots"),
                         {"politeness.robots", "politeness.robots_max_age", "politeness.robots_max_crawl_delay"})

    def test_nothing_is_offered_where_only_the_user_knows(self):
        self.assertEqual(self.offered(["links", "--base"], ""), set())


class BashTest(Shell, unittest.TestCase):
    shell = "bash"

    def complete(self, words, at=None):
        at = len(words) - 1 if at is None else at
        script = """
            source "$1"; shift
            at=$1; shift
            COMP_WORDS=("$@") COMP_CWORD=$at
            function=$(complete -p crawld | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
            "$function" crawld "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\\n' "${COMPREPLY[@]}" """
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", FILES["bash"], str(at), *words],
                              env=self.environment, cwd=self.work, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.splitlines()) - {""}

    def offered(self, words, current):
        return self.complete(["crawld", *words, current])

    def test_a_value_may_follow_an_equals_sign(self):
        # bash makes three words of --as=ex.
        self.assertEqual(self.complete(["crawld", "schema", "--as", "=", "ex"]), {"example"})
        self.assertEqual(self.complete(["crawld", "schema", "--as", "="]),
                         {"json-schema", "example", "table", "warnings", "man"}
                         & set(next(o for o in HELP.walk() if o.path == ["schema"]).options[1].words))
        self.assertEqual(self.complete(["crawld", "run", "-c", "=", "a.yaml", "--o"]), {"--once"})

    def test_at_the_keyboard(self):
        """A real terminal: words that are there once are completed, file names are quoted."""
        line = self.type("crawld fr\tst\t-c b\t--fo\tj\t")
        self.assertEqual(line, "crawld frontier stats -c b\\ c.yml --format json")

    def type(self, keys):
        """What the line is after these keys, as readline has it."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.work)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], {**self.environment, "PS1": "> "})
        try:
            def read_until(pattern):
                text = ""
                until = time.monotonic() + 30
                while not re.search(pattern, text):
                    if not select.select([terminal], [], [], max(0, until - time.monotonic()))[0]:
                        self.fail(f"{pattern} never came: {text!r}")
                    text += os.read(terminal, 4096).decode(errors="replace")
                return text
            read_until("> ")
            # The line is shown by a key of its own, not run.
            for setting in (f"source {FILES['bash']}", "bind 'set bell-style none'", "PS1='% '",
                            r"""bind -x '"\C-t": printf "<%s>\n" "${READLINE_LINE% }"'"""):
                os.write(terminal, (setting + "\n").encode())
            read_until(r"printf[\s\S]*% $")
            os.write(terminal, keys.encode() + b"\x14")
            return re.search(r"\n?<(crawld.*)>", read_until(r"<crawld.*>"))[1]
        finally:
            os.close(terminal)
            os.waitpid(child, 0)


class FishTest(Shell, unittest.TestCase):
    shell = "fish"
    others_last = True

    def offered_in_order(self, words, begun=""):
        line = " ".join(["crawld", *(w.replace(" ", "\\ ") for w in words), begun])
        script = f"source {FILES['fish']}; complete -C '{line}'"
        done = subprocess.run(["fish", "--no-config", "-c", script], env=self.environment, cwd=self.work,
                              capture_output=True, text=True, check=True)
        return [row.split("\t")[0].rstrip("/") for row in done.stdout.splitlines()]

    def offered(self, words, current):
        # Long options are offered only once both dashes are there.
        return {w for begun in ([current, "--"] if current == "-" else [current])
                for w in self.offered_in_order(words, begun)}


class ZshTest(Shell, unittest.TestCase):
    shell = "zsh"

    # In a terminal of its own, with compadd told to say what it adds.
    SCRIPT = r"""
        zmodload zsh/zpty
        zpty -b shell zsh -f -i
        zpty -w shell 'PS1= ; PROMPT_EOL_MARK= ; unsetopt beep'
        zpty -w shell "fpath=(${(q)1:h} \$fpath) && autoload -Uz compinit && compinit -u -D && compdef _crawld crawld"
        zpty -w shell 'zstyle ":completion:*" menu no; zstyle ":completion:*" completer _complete'
        zpty -w shell 'compadd() {
          local -a __hits
          if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
          builtin compadd -A __hits "$@"
          local __hit
          for __hit in $__hits; do print -r -- "<<$__hit>>"; done
          builtin compadd "$@"
        }'
        zpty -w shell 'bindkey "^I" complete-word; zle-done() { print -r -- "<<<done>>>"; zle kill-buffer }; zle -N zle-done; bindkey "^T" zle-done'
        zpty -w shell 'print ready-$((1+1))'
        zpty -r -m shell out '*ready-2*'
        shift
        for line; do
          print -r -- "== $line"
          zpty -n -w shell "$line"$'\t\C-t'
          zpty -r -m shell out '*<<<done>>>*'
          print -r -- "$out"
        done
        zpty -d shell
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Starting it takes longer than all answers.
        cls.answers = cls.ask([cls.line(words, current) for words, current, _ in cases()] +
                              [cls.line(words, "") for words, *_ in file_cases()])

    @classmethod
    def ask(cls, lines):
        done = subprocess.run(["zsh", "-f", "-c", cls.SCRIPT, "zsh", FILES["zsh"], *lines],
                              env=cls.environment, cwd=cls.work, capture_output=True, text=True, check=True,
                              timeout=100)
        parts = re.split(r"^== (.*)\n", done.stdout, flags=re.M)[1:]
        return {line: set(re.findall(r"<<([^<>\r\n]+)>>", text)) - {"done"}
                for line, text in zip(parts[::2], parts[1::2])}

    @staticmethod
    def line(words, current):
        return " ".join(["crawld", *(w.replace(" ", "\\ ") for w in words), current])

    def offered(self, words, current):
        line = self.line(words, current)
        found = self.answers.get(line) or self.ask([line])[line]
        return {w.rstrip("/").replace("\\ ", " ") for w in found}


unittest.main(argv=sys.argv[:1])
