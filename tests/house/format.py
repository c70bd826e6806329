#!/usr/bin/env python3
"""format.py ROOT : every C++ file is as clang-format has it."""
import pathlib
import subprocess
import sys

FOLDERS = ["base", "concurrency", "web", "config", "frontier", "fetcher", "parser", "archive",
           "logs", "pipeline", "health", "admin", "service", "tests", "bench"]


def main():
    root = pathlib.Path(sys.argv[1])
    files = sorted(str(p) for folder in FOLDERS for p in (root / folder).rglob("*")
                   if p.suffix in (".h", ".cc"))
    result = subprocess.run(["clang-format-16", "--dry-run", "--Werror", *files],
                            capture_output=True, text=True, check=False)
    sys.stdout.write(result.stderr[:20000])
    sys.exit(result.returncode)


main()
