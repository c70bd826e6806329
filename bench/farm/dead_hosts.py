#!/usr/bin/python3
"""dead_hosts.py [--healthy N] [--dead N] [--delay S] : what dead hosts cost the healthy ones.

Serves N healthy hosts (addresses of 127.50.0.0/16, six linked pages each) with nginx, and N dead ones: addresses
of 127.60.0.0/16 whose connections are never made, since nobody takes them. Crawls the healthy ones alone, and
then both, and prints how long it took from the first request that a healthy host got to the last.
CRAWLD_BIN: the program to measure (default: the release build). Needs nginx.
"""
import argparse
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HEALTHY_PORT, DEAD_PORT = 8951, 8952
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def address(prefix, number):
    return f"127.{prefix}.{number // 250}.{number % 250 + 1}"


def serve(work):
    """nginx for all healthy hosts: one server, whatever the address."""
    pages = work / "pages"
    work.chmod(0o755)
    pages.mkdir()
    links = "".join(f'<a href="/{i}.html">{i}</a>' for i in range(1, 6))
    for name in ["index"] + [str(i) for i in range(1, 6)]:
        (pages / f"{name}.html").write_text(f"<title>{name}</title>{links}" + "<p>text</p>" * 200)
    (work / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  log_format times '$msec $server_addr $uri';
  access_log {work}/access.log times;
  keepalive_requests 1000000; types {{ text/html html; }}
  client_body_temp_path {work}/t; proxy_temp_path {work}/t; fastcgi_temp_path {work}/t;
  uwsgi_temp_path {work}/t; scgi_temp_path {work}/t;
  server {{ listen {HEALTHY_PORT} backlog=8192; root {pages}; }}
}}""")
    server = subprocess.Popen(["nginx", "-c", str(work / "nginx.conf"), "-e", str(work / "error.log")])
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((address(50, 0), HEALTHY_PORT)) == 0:
                return server
        if server.poll() is not None:
            sys.exit("nginx does not start: " + (work / "error.log").read_text())
        time.sleep(0.05)


def nobody():
    """A port that takes no connection: its backlog is full."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", DEAD_PORT))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex((address(60, 0), DEAD_PORT))
        fillers.append(filler)
    return [listener] + fillers


def crawl(work, name, hosts, delay):
    out = work / name
    out.mkdir()
    (out / "seeds.txt").write_text("".join(f"http://{host}/\n" for host in hosts))
    (out / "crawl.yaml").write_text(f"""
name: dead
data_dir: {out}/data
seeds: {{files: ["{out}/seeds.txt"]}}
identity: {{user_agent: "dead (+https://example.org/bench)"}}
politeness: {{delay: {delay}}}
frontier: {{hosts_in_memory: 16384}}
fetcher: {{allow_addresses: [127.0.0.0/8]}}
log: {{file: {out}/crawld.log}}
""")
    log = work / "access.log"
    log.write_text("")
    binary = os.environ.get("CRAWLD_BIN", str(ROOT / "build/release/service/crawld"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([binary, "run", "--once", "-c", str(out / "crawl.yaml")],
                          check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not log.read_text():
        sys.exit(f"no request came: {done.stdout}{done.stderr}")
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    span = max(times) - min(times)
    print(f"{name:8} {len(times):7,} requests of healthy hosts in {span:6.2f} s "
          f"({len(times) / span:,.0f}/s), {cpu:.1f} s CPU; exit code {done.returncode}; {done.stdout.splitlines()[0]}", flush=True)
    return len(times) / span


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--healthy", type=int, default=10_000)
    parser.add_argument("--dead", type=int, default=1_000)
    parser.add_argument("--delay", default="1s")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    server, keep = serve(work), nobody()
    try:
        healthy = [f"{address(50, i)}:{HEALTHY_PORT}" for i in range(options.healthy)]
        step = max(1, options.healthy // max(1, options.dead))
        mixed = []
        for i, host in enumerate(healthy):
            mixed.append(host)
            if i % step == 0 and i // step < options.dead:
                mixed.append(f"{address(60, i // step)}:{DEAD_PORT}")
        alone = crawl(work, "alone", healthy, options.delay)
        both = crawl(work, "both", mixed, options.delay)
        print(f"with the dead ones: {100 * both / alone:.1f} % of the throughput")
    finally:
        server.terminate()
        server.wait()
        del keep
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
