#!/usr/bin/python3
"""dead_hosts.py [--healthy N] [--dead N] [--pages N] [--delay S] [--rounds N] [--alone S] : what dead hosts cost.

Serves N healthy hosts (addresses of 127.50.0.0/16, some linked pages each) with nginx, and N dead ones: addresses
of 127.60.0.0/16 whose connections are never made, since nobody takes them. Crawls the healthy ones alone, and
then both, in turn, and compares how long it took from the first request that a healthy host got to the last. Last it
crawls the dead ones alone for some seconds (--alone): the CPU that they use is what they can take from others, and
moves less from run to run than the time of a crawl.
CRAWLD_BIN: the program to measure (default: the release build). Needs nginx.
"""
import argparse
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HEALTHY_PORT, DEAD_PORT = 8951, 8952
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def address(prefix, number):
    return f"127.{prefix}.{number // 250}.{number % 250 + 1}"


def serve(work, count):
    """nginx for all healthy hosts: one server, whatever the address."""
    pages = work / "pages"
    work.chmod(0o755)
    pages.mkdir()
    links = "".join(f'<a href="/{i}.html">{i}</a>' for i in range(1, count))
    for name in ["index"] + [str(i) for i in range(1, count)]:
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


def start(out, hosts, delay):
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
    binary = os.environ.get("CRAWLD_BIN", str(ROOT / "build/release/service/crawld"))
    return subprocess.Popen([binary, "run", "-c", str(out / "crawl.yaml")],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def crawl(work, name, hosts, requests, delay):
    out = work / name
    log = work / "access.log"
    log.write_text("")
    process = start(out, hosts, delay)
    lines = 0
    with log.open() as served:
        while lines < requests and process.poll() is None:
            time.sleep(0.1)
            lines += sum(1 for _ in served)
        cpu = cpu_seconds(process)
        process.terminate()
        said = process.communicate()[0]
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    if not times:
        sys.exit(f"no request came: {said}")
    span = max(times) - min(times)
    print(f"{name:8} {len(times):7,} requests of healthy hosts in {span:6.2f} s ({len(times) / span:,.0f}/s), "
          f"{1e3 * cpu / len(times):.3f} ms of CPU each", flush=True)
    shutil.rmtree(out)
    return span, cpu


def idle_cost(work, hosts, seconds, delay):
    """Of hosts that do not answer, and nobody else."""
    process = start(work / "alone", hosts, delay)
    began = time.monotonic()
    try:
        process.wait(timeout=seconds)
        sys.exit("it has ended: " + process.communicate()[0])
    except subprocess.TimeoutExpired:
        cpu, span = cpu_seconds(process), time.monotonic() - began
    process.terminate()
    process.communicate()
    shutil.rmtree(work / "alone")
    print(f"the dead ones alone: {cpu:.2f} s of CPU in {span:.0f} s, {1e3 * cpu / len(hosts):.2f} ms each, "
          f"{100 * cpu / span / os.cpu_count():.2f} % of {os.cpu_count()} cores", flush=True)


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--healthy", type=int, default=10_000)
    parser.add_argument("--dead", type=int, default=1_000)
    parser.add_argument("--pages", type=int, default=6, help="of a healthy host")
    parser.add_argument("--delay", default="1s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", type=float, default=60, help="seconds; 0: not at all")
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    server, keep = serve(work, options.pages), nobody()
    try:
        healthy = [f"{address(50, i)}:{HEALTHY_PORT}" for i in range(options.healthy)]
        step = max(1, options.healthy // max(1, options.dead))
        mixed = []
        for i, host in enumerate(healthy):
            mixed.append(host)
            if i % step == 0 and i // step < options.dead:
                mixed.append(f"{address(60, i // step)}:{DEAD_PORT}")
        runs = []
        for _ in range(options.rounds):
            requests = options.healthy * (1 + options.pages)  # robots.txt
            alone = crawl(work, "alone", healthy, requests, options.delay)
            both = crawl(work, "both", mixed, requests, options.delay)
            runs.append((alone[0] / both[0], both[1] / alone[1]))
        if runs:
            throughput, cpu = (statistics.median(run[i] for run in runs) for i in (0, 1))
            print(f"with the dead ones: {100 * throughput:.1f} % of the throughput, {100 * cpu:.1f} % of the CPU "
                  f"(medians of {options.rounds})", flush=True)
        if options.alone > 0:
            dead = [f"{address(60, i)}:{DEAD_PORT}" for i in range(options.dead)]
            idle_cost(work, dead, options.alone, options.delay)
    finally:
        server.terminate()
        server.wait()
        del keep
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
