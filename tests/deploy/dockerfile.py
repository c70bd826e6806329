"""The Dockerfile, read as the tests need it."""
import json
import re
import shlex
import subprocess

import deploy_lib as lib

DOCKERFILE = lib.ROOT / "Dockerfile"


class Stage:
    """One FROM, and the instructions after it."""

    def __init__(self, base, name):
        self.base, self.name = base, name
        self.instructions = []

    def all(self, kind):
        return [rest for instruction, rest in self.instructions if instruction == kind]

    def last(self, kind):
        return self.all(kind)[-1]

    def words(self, kind):
        """Of an instruction in exec form."""
        return json.loads(self.last(kind))

    def user(self):
        user, group = self.last("USER").split(":")
        return int(user), int(group)

    def health_check(self):
        return json.loads(self.last("HEALTHCHECK").partition("CMD ")[2])

    def installs(self):
        """Packages that its apt-get names itself."""
        found = []
        for run in self.all("RUN"):
            for command in re.split(r"&&|\|\||;", run):
                words = shlex.split(command)
                if "apt-get" in words and "install" in words:
                    found += [w for w in words[words.index("install") + 1:] if not w.startswith("-")]
        return found


def stages():
    text = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE.read_text())
    text = re.sub(r"\\\n", " ", text)
    found = []
    for line in filter(str.strip, text.splitlines()):
        instruction, _, rest = line.strip().partition(" ")
        rest = re.sub(r"\s+", " ", rest).strip()
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].instructions.append((instruction, rest))
    return found


def ignored():
    return [line for line in (lib.ROOT / ".dockerignore").read_text().splitlines()
            if line and not line.startswith("#")]


def runtime_packages():
    result = subprocess.run([lib.ROOT / "deploy/runtime-packages.sh", lib.OPTIONS.crawld],
                            stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout.split()
