#!/usr/bin/env python3
"""power_cut_test.py --crawld FILE --site-server FILE --faults LIBRARY [--cuts N] : crawls on a machine
that loses power at random instants: what was not synced is gone, or half there.

After each cut the data_dir is rebuilt from what was really synced (faults.cc) and the crawl goes on
from it; at the end every URL stands exactly once."""
import argparse
import pathlib
import shutil
import tempfile

import crash_lib as lib


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawld", required=True)
    parser.add_argument("--site-server", required=True)
    parser.add_argument("--faults", required=True)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--latency", type=int, default=25)
    parser.add_argument("--cuts", type=int, default=12)
    parser.add_argument("--max-s", type=float, default=0.8)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    rng = lib.seeded(options.seed)
    with tempfile.TemporaryDirectory(prefix="crawld-power-") as temporary:
        work = pathlib.Path(temporary)
        site = lib.Site(options.site_server, options.pages, options.latency)
        seeds = work / "seeds.txt"
        seeds.write_text(site.url + "/\n")
        try:
            crawls(options, rng, work, site, seeds)
        finally:
            site.close()
    print("nothing lost, nothing twice")


def crawls(options, rng, work, site, seeds):
    cuts = number = 0
    while cuts < options.cuts:
        number += 1
        crawl = lib.Crawl(options.crawld, work / str(number), seeds)
        crawl.data.mkdir()
        shadow = crawl.folder / "shadow"
        environment = {"LD_PRELOAD": options.faults, "CRAWLD_FAULT_DIR": str(crawl.data),
                       "CRAWLD_POWER_SHADOW": str(shadow)}
        while cuts < options.cuts:
            code = crawl.kill_after(rng.uniform(0.02, options.max_s), environment)
            if code not in (None, 0):
                raise lib.Broken([f"the crawl ends with {code}: {crawl.last_err}"])
            if not (shadow / "begun").exists():  # killed before it had touched anything
                shutil.rmtree(shadow, ignore_errors=True)
                continue
            # Also after a crawl that has just completed: its last commit must be there.
            cuts += 1
            strict = rng.random() < 0.5
            rebuilt = crawl.folder / "rebuilt"
            lib.rebuild_after_power_cut(crawl.data, shadow, rebuilt, None if strict else rng)
            shutil.rmtree(crawl.data)
            shutil.rmtree(shadow)
            rebuilt.rename(crawl.data)
            contents = crawl.check_as_next_start_finds_it()
            how = "what was synced" if strict else "that and some more"
            print(f"cut {cuts}, {how}: {len(contents.warc)} URLs archived", flush=True)
            if code == 0:
                break
        code, err = crawl.run(environment)
        if code != 0:
            raise lib.Broken([f"the crawl ends with {code}: {err}"])
        crawl.check_complete(site)


if __name__ == "__main__":
    main()
