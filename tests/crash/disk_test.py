#!/usr/bin/env python3
"""disk_test.py full|errors --crawld FILE --faults LIBRARY (--site-server FILE | --seeds FILE) :
crawls on a disk that fills up, or whose calls fail (faults.cc).

Each run either completes or ends with exit code 1 and the reason; it never hangs. After each, the next
start finds an archive that is sound; when the disk is well again the crawl completes, with every URL
exactly once."""
import argparse
import shutil
import sys

import crash_lib as lib

ERRORS = [
    # what fails, whose path has this in it, the reason
    ("write", "/warc/", "EIO"),
    ("write", "/pages/", "EIO"),
    ("write", "/index.cdxj", "ENOSPC"),
    ("write", "/crawl.log", "EIO"),
    ("write", "/frontier/", "EIO"),
    ("fsync", "/warc", "EIO"),
    ("fsync", "/pages", "EIO"),
    ("fsync", "/index.cdxj", "EIO"),
    ("fsync", "/crawl.log", "EIO"),
    ("fsync", "/frontier", "EIO"),
    ("fsync", "", "EIO"),
    ("rename", "/warc/", "EIO"),
    ("rename", "/frontier/", "EIO"),
    ("open", "/warc/", "ENOSPC"),
    ("open", "/pages/", "EDQUOT"),
    ("open", "/frontier/", "EIO"),
    ("ftruncate", "", "EIO"),
    ("write,fsync,rename,ftruncate,open", "", "EIO"),
]
WORDS = {"EIO": ("Input/output error", "IO error"), "ENOSPC": ("No space left on device",),
         "EDQUOT": ("Disk quota exceeded",)}


def judge(what, error, code, err):
    print(f"{what}: exit {code}", flush=True)
    if code == 0:
        return
    if code != 1:
        sys.exit(f"{what}: exit {code}: {err}")
    last = err.strip().splitlines()[-1]
    # RocksDB's own assertions do not tell one refused write from another.
    if not any(word in last for word in (*WORDS[error], "full or failing disk")):
        sys.exit(f"{what}: the reason is not named: {last}")


def environment_of(options, crawl):
    return {"LD_PRELOAD": options.faults, "CRAWLD_FAULT_DIR": str(crawl.data)}


def finish(options, crawl, target):
    # Short writes are no errors.
    code, err = crawl.run({**environment_of(options, crawl), "CRAWLD_FAULT_SHORT": "4093"})
    if code != 0:
        sys.exit(f"with short writes: exit {code}: {err}")
    crawl.check_complete(target.reference)


def full(options, work, target, rng):
    crawl = target.crawl(options, work / "full")
    # From nothing at all to nearly enough; each run has a little more room than the one before got.
    room = 0
    while True:
        room += rng.randrange(1, max(target.bytes // 15, 4096))
        budget = {"CRAWLD_FAULT_CALLS": "write", "CRAWLD_FAULT_ERRNO": "ENOSPC",
                  "CRAWLD_FAULT_AFTER_BYTES": str(room)}
        code, err = crawl.run({**environment_of(options, crawl), **budget})
        judge(f"{room} bytes left", "ENOSPC", code, err)
        crawl.check_as_next_start_finds_it()
        if code == 0:
            break
    finish(options, crawl, target)


def errors(options, work, target, rng):
    rounds = ERRORS.copy()
    rng.shuffle(rounds)
    failed = 0
    for number, (calls, match, error) in enumerate(rounds):
        crawl = target.crawl(options, work / str(number))
        after = rng.randrange(0, 4)
        fault = {"CRAWLD_FAULT_CALLS": calls, "CRAWLD_FAULT_MATCH": match,
                 "CRAWLD_FAULT_ERRNO": error, "CRAWLD_FAULT_AFTER_CALLS": str(after)}
        code, err = crawl.run({**environment_of(options, crawl), **fault})
        judge(f"{calls} of '{match}' fails with {error} after {after}", error, code, err)
        failed += code != 0
        crawl.check_as_next_start_finds_it()
        finish(options, crawl, target)
        shutil.rmtree(crawl.folder)
    if failed < len(rounds) / 2:
        sys.exit("most of the faults were never met")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=("full", "errors"))
    lib.Target.add_arguments(parser, pages=200, latency=0)
    parser.add_argument("--faults", required=True)
    lib.Target.run(parser, "crawld-disk-", run)


def run(options, work, target, rng):
    {"full": full, "errors": errors}[options.mode](options, work, target, rng)
    print("nothing lost, nothing twice")


if __name__ == "__main__":
    main()
