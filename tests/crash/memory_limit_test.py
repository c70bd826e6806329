#!/usr/bin/env python3
"""memory_limit_test.py --crawld FILE : in a control group that gives it far less memory than its config
asks for, a crawl of large pages is slower, and not killed.

Needs root and a control group hierarchy of memory, of version 1 or 2; where it cannot make a group in one,
it says so and is skipped.
"""
import argparse
import contextlib
import gzip
import http.server
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

import crash_lib as lib

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from support_lib import skip

PAGES = 400
PAGE_BYTES = 1 << 20
LIMIT_BYTES = 112 << 20      # unlimited, this crawl takes twice as much
PACKED_PAGES = 40
PACKED_PAGE_BYTES = 9 << 20  # unpacked; nearly parser.max_body
PACKED_LIMIT_BYTES = 256 << 20
CONFIG = """\
name: t
data_dir: {data_dir}
identity: {{user_agent: "memory-test/1 (+https://example.org/)"}}
seeds: {{urls: ["{url}"]}}
politeness: {{delay: 0, concurrency_per_host: 64}}
fetcher: {{allow_addresses: [127.0.0.0/8], concurrency: 64, memory_budget: 512MiB}}
"""


class Pages(http.server.BaseHTTPRequestHandler):
    """A page with links to all others, which are as large as they may be."""

    protocol_version = "HTTP/1.1"
    filler = os.urandom(PAGE_BYTES // 2).hex().encode()
    # Such a beginning needs a tree, and each element a node of it.
    packed = gzip.compress(b"<svg></p>" + os.urandom(10_000).hex().encode() +
                           b"<b>x</b>" * (PACKED_PAGE_BYTES // 8), 1)

    def do_GET(self):
        packed = self.path.startswith("/packed/")
        names = [b"/packed/%d" % i for i in range(PACKED_PAGES)] if packed else [b"/%d" % i for i in range(PAGES)]
        body = self.packed if packed else self.filler
        if start := self.path in ("/", "/packed/"):
            body = b"".join(b'<a href="%s">x</a>' % name for name in names)
        found = start or re.fullmatch(r"(/packed)?/\d+", self.path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html")
        if packed and not start:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256  # who finds it full waits for seconds

    def handle_error(self, *_):
        pass  # a client that goes is none of a server's


@contextlib.contextmanager
def served():
    with Server(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class ControlGroup:
    """With so much memory, and no swap."""

    def __init__(self, limit_bytes):
        self.bytes = limit_bytes
        mounts = pathlib.Path("/proc/self/mountinfo").read_text()
        own = pathlib.Path("/proc/self/cgroup").read_text()
        one = re.search(r"^(?:\S+ ){4}(\S+) .* - cgroup \S+ \S*\bmemory\b", mounts, re.M)
        two = re.search(r"^(?:\S+ ){4}(\S+) .* - cgroup2 ", mounts, re.M)
        if one and (name := re.search(r":memory:(/.*)$", own, re.M)):
            self.limit, self.killed = "memory.limit_in_bytes", ("memory.oom_control", r"^oom_kill (\d+)$")
        elif two and (name := re.search(r"^0::(/.*)$", own, re.M)):
            self.limit, self.killed = "memory.max", ("memory.events", r"^oom_kill (\d+)$")
        else:
            skip("there are no control groups of memory")
        # A container may see its own group as the root.
        root = pathlib.Path((one or two)[1])
        above = root / name[1].lstrip("/")
        self.path = (above if above.is_dir() else root) / f"crawld-test-{os.getpid()}"

    def __enter__(self):
        try:
            self.path.mkdir()
            (self.path / self.limit).write_text(str(self.bytes))
        except OSError as e:
            with contextlib.suppress(OSError):
                self.path.rmdir()
            skip(f"no control group with a limit can be made: {e}")
        with contextlib.suppress(OSError):
            (self.path / "memory.swap.max").write_text("0")
        return self

    def __exit__(self, *_):
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:  # the kernel has not buried its last process yet
                time.sleep(0.02)

    def enter(self):
        (self.path / "cgroup.procs").write_text("0")

    def kills(self):
        file, pattern = self.killed
        return int(re.search(pattern, (self.path / file).read_text(), re.M)[1])


def crawl(crawld, url, pages, limit_bytes):
    """All that is wrong."""
    with tempfile.TemporaryDirectory(prefix="crawld-memory-") as work, ControlGroup(limit_bytes) as group:
        config = pathlib.Path(work) / "c.yaml"
        config.write_text(CONFIG.format(data_dir=f"{work}/data", url=url))
        done = subprocess.run([crawld, "run", "--once", "-c", str(config)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=lib.PATIENCE_S, check=False,
                              preexec_fn=group.enter)
        print(done.stdout)
        problems = []
        if done.returncode != 0:
            problems.append(f"{url}: it ends with {done.returncode}")
        if group.kills() != 0:
            problems.append(f"{url}: the kernel has killed {group.kills()} times")
        # And the page of links; robots.txt is none.
        if f" {pages + 1} done, 0 failed" not in done.stdout:
            problems.append(f"{url}: not all pages are done")
        if "fetcher.memory_budget is " not in done.stdout:
            problems.append(f"{url}: it does not know its limit")
        return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawld", required=True)
    options = parser.parse_args()
    with served() as url:
        problems = crawl(options.crawld, url, PAGES, LIMIT_BYTES)
        problems += crawl(options.crawld, url + "packed/", PACKED_PAGES, PACKED_LIMIT_BYTES)
    if problems:
        raise lib.Broken(problems)
    print("slower, and not killed")


main()
