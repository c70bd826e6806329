"""What the tests of deploy/ share: the tree, a real daemon, and Prometheus's own tools.

Needs Debian's python3-yaml, so these tests run with /usr/bin/python3.
"""
import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from support_lib import PATIENCE_S, ROOT, Site, must, run, skip  # noqa: E402,F401

OPTIONS = argparse.Namespace()  # what main() was given


def read_options(argv=None):
    """The programs that ctest names; returns what else there is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--crawld", type=pathlib.Path)
    parser.add_argument("--site-server", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, help="what `cmake --install` takes")
    _, rest = parser.parse_known_args(argv, namespace=OPTIONS)
    for name, path in vars(OPTIONS).items():
        setattr(OPTIONS, name, path and path.resolve())
    return rest


def main():
    """Runs the tests of the calling module."""
    unittest.main(argv=[sys.argv[0], *read_options()])


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def load_all(path):
    return [document for document in yaml.safe_load_all((ROOT / path).read_text()) if document]


def rules():
    """(file, rule) of each rule that is shipped."""
    for path in sorted((ROOT / "deploy/prometheus").glob("*.yaml")):
        for group in load(path).get("groups", []):
            for rule in group["rules"]:
                yield path, rule


def alerts():
    return {rule["alert"]: rule for _, rule in rules() if "alert" in rule}


def anchors(path):
    """The fragments that lead to headings of a Markdown file, as its readers know them."""
    found = set()
    for line in (ROOT / path).read_text().splitlines():
        if heading := re.match(r"#+ +(.*)", line):
            words = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(words.strip().replace(" ", "-"))
    return found


class Daemon:
    """The built crawld, crawling nothing in a temporary folder, with its admin API by Unix socket and
    by TCP with a token."""

    TOKEN = "a-token-of-the-tests"

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="crawld-deploy-")
        self.folder = pathlib.Path(self._folder.name)
        self.data = self.folder / "data"
        self.config = self.folder / "crawl.yaml"
        (self.folder / "token").write_text(self.TOKEN + "\n")
        self.port = free_port()
        self.config.write_text(f"""\
name: t
data_dir: {self.data}
identity: {{user_agent: "deploy-test/1 (+https://example.org/)"}}
admin: {{listen: "127.0.0.1:{self.port}", token_file: {self.folder}/token}}
""")
        self._process = subprocess.Popen([OPTIONS.crawld, "run", "-c", self.config],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self._process.stderr:
            if " starts crawl " in line:
                break
        else:
            raise AssertionError(f"crawld does not start, exit code {self._process.wait()}")

    def get(self, path):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.data / "crawld.sock"))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        head, _, body = answer.partition("\r\n\r\n")
        if " 200 " not in head.splitlines()[0]:
            raise AssertionError(head)
        return body

    def series(self):
        """All that /metrics has: {name: [labels]}."""
        found = {}
        for line in self.get("/metrics").splitlines():
            if line.startswith("#") or not line:
                continue
            name, labels = re.match(r"(\w+)(?:\{(.*)\})? ", line).groups()
            found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels or "")))
        return found

    def close(self):
        self._process.terminate()
        self._process.communicate(timeout=PATIENCE_S)
        self._folder.cleanup()


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
