#!/usr/bin/env python3
"""layering.py ROOT : an include never runs upwards, never in a circle, and a library stays behind its
room's door. The tables below are docs/architecture.md's, as data."""
import pathlib
import re
import sys

# room -> rooms it may include (itself is understood)
MAY_INCLUDE = {
    "base": set(),
    "concurrency": {"base"},
    "web": {"base"},
    "config": {"base"},
    "frontier": {"base", "concurrency", "web"},
    "fetcher": {"base", "concurrency", "web"},
    "parser": {"base", "web"},
    "archive": {"base", "concurrency", "web"},
    "logs": {"base", "concurrency", "web", "config"},
    "pipeline": {"base", "concurrency", "web", "config", "frontier", "fetcher", "parser", "archive"},
    "health": {"base", "concurrency", "fetcher", "pipeline"},
    "admin": {"base", "concurrency", "web", "config", "frontier", "fetcher", "archive", "logs",
              "pipeline", "health"},
    "service": {"base", "concurrency", "web", "config", "frontier", "fetcher", "parser", "archive",
                "logs", "pipeline", "health", "admin"},
}
# library header prefix -> rooms that may include it
BEHIND_DOORS = {
    "curl/": {"fetcher"},
    "boost/asio": {"fetcher", "admin"},
    "boost/beast": {"admin"},
    "prometheus/": {"admin"},
    "openssl/ssl.h": {"fetcher"},
    "gumbo.h": {"parser"},
    "rocksdb/": {"frontier"},
    "yaml-cpp/": {"config"},
    "re2/": {"frontier"},
    "libdeflate.h": {"archive"},
    "isa-l/": {"archive"},
    "uchardet": {"parser"},
    "libpsl.h": {"web"},
    "expat.h": {"parser"},
    "brotli/": {"parser"},
    "zstd.h": {"parser"},
    "CLI/": {"service"},
    "systemd/": {"service"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def main():
    root = pathlib.Path(sys.argv[1])
    problems = []
    for room, allowed in MAY_INCLUDE.items():
        files = sorted(p for p in (root / room).iterdir() if p.suffix in (".h", ".cc"))
        if not files:
            problems.append(f"{room}: no sources")
        for path in files:
            text = path.read_text()
            name = path.relative_to(root)
            if path.suffix == ".h" and "#pragma once" not in text:
                problems.append(f"{name}: no #pragma once")
            if path.suffix == ".h" and text.count("\n") > 300:
                problems.append(f"{name}: a header of more than 300 lines has two purposes")
            for quote, target in INCLUDE.findall(text):
                if quote == '"':
                    other = target.split("/")[0]
                    if other not in MAY_INCLUDE:
                        problems.append(f'{name}: "{target}" is not relative to the root')
                    elif other != room and other not in allowed:
                        problems.append(f'{name}: {room}/ may not include "{target}"')
                for door, rooms in BEHIND_DOORS.items():
                    if quote == "<" and target.startswith(door) and room not in rooms:
                        problems.append(f"{name}: <{target}> stays behind {', '.join(sorted(rooms))}/")
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
