#!/usr/bin/env python3
"""kill_test.py --crawld FILE (--site-server FILE | --seeds FILE) [--kills N] : crawls again and again
what is killed with -9 at random instants, until it has been killed N times and every crawl is complete.

After every kill the archive is looked at as the next start finds it; at the end of every crawl it holds
every URL exactly once, like a crawl that nobody disturbed, and the frontier's account agrees.

With --seeds FILE the site is one that runs already; --config FILE is then a template with {data_dir} and
{seeds}. --truth FILE: URLs, one a line, that must be there."""
import argparse
import statistics
import sys
import time

import crash_lib as lib


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    lib.Target.add_arguments(parser, pages=400, latency=30)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--min-s", type=float, default=0.05)
    parser.add_argument("--max-s", type=float, help="longest life before a kill")
    parser.add_argument("--check-every", type=int, default=1)
    lib.Target.run(parser, "crawld-kill-", run)


def run(options, work, target, rng):
    longest = options.max_s or max(target.took / 3, 0.5)
    kills = crawls = 0
    to_first_fetch = []
    while kills < options.kills:
        crawls += 1
        crawl = target.crawl(options, work / f"crawl-{crawls}")
        while True:
            life = rng.uniform(options.min_s, longest)
            restart = time.time()
            code = crawl.kill_after(life) if kills < options.kills else crawl.run()[0]
            first = lib.first_fetch_after(crawl.data, restart)
            if first is not None:
                to_first_fetch.append(first)
            if code == 0:
                break
            if code is not None:
                sys.exit(f"crawl {crawls} ends with {code}")
            kills += 1
            if kills % options.check_every == 0:
                crawl.check_as_next_start_finds_it()
        crawl.check_complete(target.reference)
        print(f"crawl {crawls} complete after {kills} kills in all", flush=True)
    if to_first_fetch:
        print(f"start to first fetch: median {statistics.median(to_first_fetch):.0f} ms, "
              f"longest {max(to_first_fetch):.0f} ms of {len(to_first_fetch)}")
    print(f"{kills} kills, {crawls} crawls: nothing lost, nothing twice")


if __name__ == "__main__":
    main()
