"""The commands of crawld, as its --help tells them. For what must be in step with it: the man page, the
completion."""
import dataclasses
import re
import subprocess


@dataclasses.dataclass
class Option:
    names: list          # ["-c", "--config"]; of an argument that has no dashes ["url"]
    value: str           # "FILE", "ENUM:text|json", ...; empty for a flag
    doc: str

    @property
    def words(self):
        """Of an enumeration: ["text", "json"]."""
        found = re.match(r"ENUM:(\S+)", self.value)
        return found[1].split("|") if found else []

    @property
    def repeats(self):
        return self.value.endswith("...")


@dataclasses.dataclass
class Command:
    path: list           # ["frontier", "list"]; empty for crawld itself
    doc: str
    options: list
    positionals: list
    commands: list       # below it

    def walk(self):
        yield self
        for command in self.commands:
            yield from command.walk()


def entries(text, heading):
    """[(left column, right column)] below "Options:", whatever is on a line of its own."""
    right = 30  # where the right column begins; it is on a line of its own if the left one is longer
    found = []
    inside = False
    for line in text.splitlines():
        if re.match(r"\S", line):
            inside = line == heading + ":"
        elif inside and re.match(r"  \S", line):
            found.append(line)
        elif inside and line.strip() and found:
            found[-1] += "\n" + line
    pairs = []
    for entry in found:
        left, _, doc = entry.partition("\n")
        if not doc:
            left, doc = entry[:right], entry[right:]
        pairs.append((left.strip(), " ".join(doc.split())))
    return pairs


def read(crawld, path=()):
    """The command at `path` with all that are below it."""
    text = subprocess.run([str(crawld), *path, "--help"], check=True, capture_output=True, text=True).stdout
    options, positionals = [], []
    for heading, found in (("Options", options), ("Positionals", positionals)):
        for left, doc in entries(text, heading):
            names, _, value = left.partition(" ")
            value = re.sub(r"REQUIRED|(Excludes|Needs):.*", "", value).strip()
            found.append(Option(names.split(","), value, doc))
    commands = [read(crawld, [*path, left]) for left, _ in entries(text, "Subcommands")]
    return Command(list(path), text.splitlines()[0], options, positionals, commands)
