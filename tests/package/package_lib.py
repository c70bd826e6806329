"""What the tests of the Debian package share."""
import argparse
import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from support_lib import ROOT, Site, must, run  # noqa: E402,F401


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=pathlib.Path, help="the folder that CPack has filled")
    parser.add_argument("--site-server", type=pathlib.Path)
    parser.add_argument("--version", help="the project's")
    found, rest = parser.parse_known_args()
    return found, rest


def package(folder):
    found = sorted(folder.glob("crawld_*.deb"))
    if len(found) != 1:
        sys.exit(f"{folder} has {len(found)} packages, not one")
    return found[0]


def bumped(deb, folder, version):
    """The same package as `version`, with a line more in its example, as a new one may have."""
    with tempfile.TemporaryDirectory() as tree:
        tree = pathlib.Path(tree) / "tree"
        must("dpkg-deb", "-R", deb, tree)
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
        with open(tree / "etc/crawld/example.yaml", "a", encoding="utf-8") as example:
            example.write("# a line that is new\n")
        out = folder / f"crawld_{version}_bumped.deb"
        must("dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, out)
        return out


def paths(root):
    """Everything below it, and what a link or a file is."""
    found = {}
    for folder, names, files in os.walk(root):
        for name in [*names, *files]:
            path = pathlib.Path(folder, name)
            found[str(path.relative_to(root))] = os.readlink(path) if path.is_symlink() else \
                path.read_bytes() if path.is_file() else None
    return found


def config(folder, name, site, data_dir):
    """A crawl of a site of this machine."""
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\ndata_dir: {data_dir}\n"
                    "identity: {user_agent: 'test/1 (+https://example.org/)'}\n"
                    f"seeds: {{urls: ['{site}']}}\npoliteness: {{delay: 0}}\n"
                    "fetcher: {allow_addresses: [127.0.0.0/8]}\n")
    return path
