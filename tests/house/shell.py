#!/usr/bin/env python3
"""shell.py ROOT : shellcheck finds no fault in the shell scripts."""
import pathlib
import subprocess
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    files = [path for folder in (".ci", "bench", "deploy", "scripts", "tests")
             for path in (root / folder).rglob("*") if path.is_file()]
    scripts = sorted(str(path) for path in files
                     if path.suffix == ".sh" or path.read_bytes()[:64].startswith((b"#!/bin/bash", b"#!/bin/sh")))
    if not scripts:
        sys.exit("there are no scripts")
    sys.exit(subprocess.run(["shellcheck", "--severity=warning", *scripts], check=False).returncode)


main()
