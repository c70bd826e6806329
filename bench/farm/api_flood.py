#!/usr/bin/python3
"""api_flood.py [--rounds N] [--hosts N] : what a client that floods the admin API costs the crawl.

Crawls N hosts (addresses of 127.50.0.0/16, served by nginx) alone, and while 64 connections send 10,000 requests a
second for /api/v1/status, or as many as are taken off them; in turn. Compares how long the crawl took, and what CPU
time its process. CRAWLD_BIN: the program to measure (default: the release build). Needs nginx.
"""
import argparse
import multiprocessing
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import dead_hosts

PORT, RATE, CONNECTIONS = 8953, 10_000, 64
REQUEST = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect():
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", PORT))
    return client


def flood(stop, asked, answered):
    """Sends requests whether or not they are answered, and reads what comes."""
    clients = [connect() for _ in range(CONNECTIONS)]
    tick = 0.01
    each = max(1, int(RATE * tick) // CONNECTIONS + 1)
    while not stop.wait(tick):
        for i, client in enumerate(clients):
            try:
                asked.value += client.send(REQUEST * each) // len(REQUEST)
            except BlockingIOError:
                asked.value += each  # the daemon does not take them off
            except OSError:
                client.close()
                clients[i] = connect()
                continue
            try:
                answered.value += client.recv(1 << 18).count(b"HTTP/1.1 ")
            except OSError:
                pass


def crawl(work, hosts, requests, flooded):
    out = work / "crawl"
    out.mkdir()
    (out / "seeds.txt").write_text("".join(f"http://{host}/\n" for host in hosts))
    (out / "crawl.yaml").write_text(f"""
name: flood
data_dir: {out}/data
seeds: {{files: ["{out}/seeds.txt"]}}
identity: {{user_agent: "flood (+https://example.org/bench)"}}
politeness: {{delay: 2s}}
frontier: {{hosts_in_memory: 16384}}
fetcher: {{allow_addresses: [127.0.0.0/8]}}
admin: {{listen: "127.0.0.1:{PORT}"}}
log: {{file: {out}/crawld.log}}
""")
    log = work / "access.log"
    log.write_text("")
    stop, asked, answered = multiprocessing.Event(), multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
    client = multiprocessing.Process(target=flood, args=(stop, asked, answered))
    binary = os.environ.get("CRAWLD_BIN", str(dead_hosts.ROOT / "build/release/service/crawld"))
    process = subprocess.Popen([binary, "run", "-c", str(out / "crawl.yaml")], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    if flooded:
        client.start()
    lines = 0
    with log.open() as served:
        while lines < requests and process.poll() is None:
            time.sleep(0.1)
            lines += sum(1 for _ in served)
    cpu = dead_hosts.cpu_seconds(process)
    stop.set()
    if flooded:
        client.join()
    process.terminate()
    process.wait()
    times = [float(line.split()[0]) for line in log.read_text().splitlines()]
    span = max(times) - min(times)
    print(f"{'flooded' if flooded else 'alone':8} {len(times):7,} requests in {span:6.2f} s ({len(times) / span:,.0f}/s), "
          f"{cpu:5.1f} s of CPU; the client sent {asked.value / span:,.0f}/s, {answered.value / span:,.0f}/s were answered",
          flush=True)
    shutil.rmtree(out)
    return span, cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=4000)
    parser.add_argument("--pages", type=int, default=8, help="of a host")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp())
    server = dead_hosts.serve(work, options.pages)
    try:
        hosts = [f"{dead_hosts.address(50, i)}:{dead_hosts.HEALTHY_PORT}" for i in range(options.hosts)]
        requests = options.hosts * (1 + options.pages)
        runs = [[crawl(work, hosts, requests, flooded) for flooded in (False, True)] for _ in range(options.rounds)]
        throughput = statistics.median(alone[0] / flooded[0] for alone, flooded in runs)
        cpu = statistics.median(flooded[1] / alone[1] for alone, flooded in runs)
        print(f"flooded: {100 * throughput:.1f} % of the throughput, {100 * cpu:.1f} % of the CPU "
              f"(medians of {options.rounds})")
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
