"""What the crash tests share: a site, a crawl of it, and a strict look at what the crawl left.

Standard library only. Shares no code with the daemon: WARC members are inflated and digests computed
here. Every check raises Broken, with all that is wrong.
"""
import base64
import calendar
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import time
import zlib

CONFIG = """\
name: t
data_dir: {data_dir}
identity: {{user_agent: "crash-test/1 (+https://example.org/)"}}
seeds: {{files: [{seeds}]}}
scope: {{nofollow: all}}
politeness: {{delay: 0, concurrency_per_host: 8}}
retry: {{backoff: 20ms, max_tries: 10}}
fetcher: {{allow_addresses: [127.0.0.0/8]}}
archive: {{compression: 0, max_file: 1MiB}}
commit: {{max_pages: 16, interval: 20ms}}
shutdown: {{grace: 0}}
log: {{level: info}}
"""
PATIENCE_S = 120  # only a crawl that hangs takes so long

SOCKETS = shutil.ignore_patterns("*.sock")  # cannot be copied, and need not be


class Broken(Exception):
    def __init__(self, problems):
        super().__init__("\n  ".join(["broken:"] + problems[:20] + (
            [f"... and {len(problems) - 20} more"] if len(problems) > 20 else [])))


class Site:
    """The generated site of tests/support/site.h, served by site_server."""

    def __init__(self, server, pages, latency_ms):
        words = [server, "--pages", str(pages), "--latency", str(latency_ms)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip().rstrip("/")
        truth = subprocess.run(words + ["--truth"], check=True, capture_output=True).stdout.decode()
        rows = [line.split("\t") for line in truth.splitlines()]
        self.pages = {self.url + path for kind, _, path in rows if kind == "page"}
        self.others = {self.url + path for kind, _, path in rows if kind == "other"}
        self.never = {self.url + path for kind, _, path in rows if kind == "never"}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Target:
    """What a test crawls: the generated site, or one that runs already, and what must come of it."""

    @staticmethod
    def add_arguments(parser, pages, latency):
        parser.add_argument("--crawld", required=True)
        parser.add_argument("--site-server", help="crawl the site that this program serves")
        parser.add_argument("--pages", type=int, default=pages)
        parser.add_argument("--latency", type=int, default=latency, help="ms of that site's answers")
        parser.add_argument("--seeds", help="or crawl what these lead to")
        parser.add_argument("--truth", help="with --seeds: URLs, one a line, that must be there")
        parser.add_argument("--config", help="with --seeds: template with {data_dir} and {seeds}")
        parser.add_argument("--work", help="folder to work in (default: a temporary one)")
        parser.add_argument("--seed", type=int)

    @staticmethod
    def run(parser, prefix, body):
        """Parses the arguments and calls body(options, work, target, rng) in a folder of its own."""
        options = parser.parse_args()
        rng = seeded(options.seed)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=options.work) as temporary:
            work = pathlib.Path(temporary)
            target = Target(options, work)
            try:
                body(options, work, target, rng)
            finally:
                target.close()

    def __init__(self, options, work):
        self.template = pathlib.Path(options.config).read_text() if options.config else CONFIG
        self.site = None
        self.seeds = options.seeds
        if options.site_server:
            self.site = Site(options.site_server, options.pages, options.latency)
            self.seeds = work / "seeds.txt"
            self.seeds.write_text(self.site.url + "/\n")
        undisturbed = Crawl(options.crawld, work / "undisturbed", self.seeds, self.template)
        began = time.time()
        code, err = undisturbed.run()
        self.took = time.time() - began
        if code != 0:
            raise Broken([f"the undisturbed crawl ends with {code}: {err}"])
        reference = undisturbed.check_complete(self.site) if self.site else undisturbed.check()
        if options.truth:
            truth = set(pathlib.Path(options.truth).read_text().split())
            lost = differences("WARC", set(reference.warc) & truth, truth)
            if lost:
                raise Broken(lost)
        self.bytes = sum(f.stat().st_size for f in undisturbed.data.rglob("*") if f.is_file())
        shutil.rmtree(undisturbed.folder)
        print(f"undisturbed: {len(reference.warc)} URLs, {self.bytes >> 20} MiB, {self.took:.1f} s",
              flush=True)
        self.reference = reference

    def crawl(self, options, folder):
        return Crawl(options.crawld, folder, self.seeds, self.template)

    def close(self):
        if self.site:
            self.site.close()


class Crawl:
    """One crawl below a folder: its config, its data_dir, its runs."""

    def __init__(self, crawld, folder, seeds, template=CONFIG):
        self.crawld = crawld
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.template = template
        self.seeds = pathlib.Path(seeds).resolve()
        self.config = self.write_config("crawl.yaml", self.data)

    def write_config(self, name, data):
        path = self.folder / name
        path.write_text(self.template.format(data_dir=data, seeds=self.seeds))
        return path

    def start(self, config=None, environment=None):
        return subprocess.Popen(
            [self.crawld, "run", "--once", "-c", str(config or self.config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})

    def run(self, environment=None):
        """To its end. (exit code, stderr)"""
        process = self.start(environment=environment)
        try:
            _, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Broken(["the crawl hangs"]) from None
        return process.returncode, err.decode(errors="replace")

    def kill_after(self, seconds, environment=None):
        """Starts, and kills -9 after `seconds`. None if killed, else the exit code (`last_err` has stderr)."""
        process = self.start(environment=environment)
        try:
            self.last_err = process.communicate(timeout=seconds)[1].decode(errors="replace")
            return process.returncode
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None

    def done(self, config=None):
        """The URLs that the frontier has on its account as done."""
        out = subprocess.run([self.crawld, "frontier", "export", "-c", str(config or self.config)],
                             capture_output=True, timeout=PATIENCE_S)
        if out.returncode != 0:
            raise Broken(["frontier export: " + out.stderr.decode(errors="replace")])
        out = out.stdout
        rows = [json.loads(line) for line in out.decode().splitlines()]
        states = collections.Counter(row["state"] for row in rows)
        return {row["url"] for row in rows if row["state"] == "done"}, states

    def check_as_next_start_finds_it(self):
        """Lets a start that is stopped at once recover a copy, and looks at the copy.

        Its Contents: all that was committed, and little more. None without a data_dir."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        if not self.data.exists():
            return None
        shutil.copytree(self.data, copy, ignore=SOCKETS)
        config = self.write_config("copy.yaml", copy)
        process = self.start(config)
        # Recovery is over when it says that it starts.
        lines = []
        for raw in process.stderr:
            lines.append(raw.decode(errors="replace"))
            if " starts crawl " in lines[-1]:
                break
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        if process.returncode != 0:
            raise Broken([f"the next start fails with {process.returncode}: " + "".join(lines) +
                          err.decode(errors="replace")])
        contents = self.check(copy, config)
        shutil.rmtree(copy)
        return contents

    def check(self, data=None, config=None):
        """The archive is sound, nothing stands in it twice, and the frontier's account agrees."""
        contents = read_archive(data or self.data)
        problems = contents.problems
        for name, urls in (("WARC", contents.warc), ("index", contents.index),
                           ("pages", contents.pages)):
            problems += [f"{name}: {url} {n} times" for url, n in urls.items() if n != 1]
        done, _ = self.done(config)
        archived = set(contents.warc)
        problems += [f"done, not in the archive: {url}" for url in done - archived]
        problems += [f"in the archive, not done: {url}" for url in archived - done
                     if not url.endswith("/robots.txt")]
        if problems:
            raise Broken(problems)
        return contents

    def check_complete(self, site_or_reference):
        """check(), and it holds all there is and nothing else."""
        contents = self.check()
        problems = []
        if isinstance(site_or_reference, Site):
            site = site_or_reference
            problems += differences("WARC", set(contents.warc), site.pages | site.others)
            problems += differences("pages", set(contents.pages), site.pages)
            problems += [f"never to be asked for: {url}" for url in site.never & set(contents.warc)]
        else:
            reference = site_or_reference
            problems += differences("WARC", set(contents.warc), set(reference.warc))
            problems += differences("pages", set(contents.pages), set(reference.pages))
            problems += [f"{url} has another payload" for url, digest in contents.digests.items()
                         if reference.digests.get(url) != digest]
        if list((self.data / "warc").glob("*.open")):
            problems.append("a WARC is still open")
        if problems:
            raise Broken(problems)
        return contents


def differences(name, actual, expected):
    return ([f"{name}: lost {url}" for url in sorted(expected - actual)] +
            [f"{name}: unexpected {url}" for url in sorted(actual - expected)])


class Contents:
    def __init__(self):
        self.warc = collections.Counter()   # responses by URL
        self.index = collections.Counter()
        self.pages = collections.Counter()
        self.digests = {}                   # payload digest by URL
        self.log = []
        self.problems = []


def digest_of(algorithm, data):
    return algorithm + ":" + base64.b32encode(hashlib.new(algorithm, data).digest()).decode().rstrip("=")


def read_member(data, at):
    """What the gzip member at `at` holds, and its length; piece by piece, as the file may be large."""
    inflate = zlib.decompressobj(31)
    pieces = []
    end = at
    while not inflate.eof:
        piece = data[end:end + 65536]
        if not piece:
            raise zlib.error("ends too early")
        pieces.append(inflate.decompress(piece))
        end += len(piece)
    return b"".join(pieces), end - at - len(inflate.unused_data)


def read_warc(path, contents, places):
    data = path.read_bytes()
    at = 0
    expected_request = None
    complain = lambda what: contents.problems.append(f"{path.name}@{at}: {what}")
    while at < len(data):
        try:
            record, length = read_member(data, at)
        except zlib.error as e:
            return complain(f"no gzip member: {e}")
        head, _, rest = record.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        size = int(fields["Content-Length"])
        block = rest[:size]
        if lines[0] != "WARC/1.1" or rest[size:] != b"\r\n\r\n":
            complain("no WARC/1.1 record of its Content-Length")
        algorithm = fields["WARC-Block-Digest"].split(":")[0]
        if digest_of(algorithm, block) != fields["WARC-Block-Digest"]:
            complain("wrong block digest")
        kind = fields["WARC-Type"]
        if (kind == "warcinfo") != (at == 0):
            complain("warcinfo is the first record and no other")
        if expected_request not in (None, (kind, fields.get("WARC-Concurrent-To"))):
            complain("a response is followed by its request")
        expected_request = None
        if kind == "response":
            url = fields["WARC-Target-URI"]
            body = block.partition(b"\r\n\r\n")[2]
            if digest_of(algorithm, body) != fields["WARC-Payload-Digest"]:
                complain("wrong payload digest")
            contents.warc[url] += 1
            contents.digests[url] = fields["WARC-Payload-Digest"]
            name = path.name.removesuffix(".open")
            places[(name, at)] = (url, length, fields["WARC-Payload-Digest"])
            expected_request = ("request", fields["WARC-Record-ID"])
        at += length
    if expected_request is not None:
        complain("the last response has no request")


def read_lines(path, contents):
    data = path.read_bytes() if path.exists() else b""
    if data and not data.endswith(b"\n"):
        contents.problems.append(f"{path.name}: ends within a line")
    for line in data.decode().split("\n")[:-1]:
        yield line


def read_archive(data):
    contents = Contents()
    places = {}
    for path in sorted((data / "warc").glob("*")):
        read_warc(path, contents, places)
    for path in sorted((data / "pages").glob("*")):
        for line in read_lines(path, contents):
            page = json.loads(line)
            contents.pages[page["url"]] += 1
            if places.get((page["warc"], page["offset"]), ("",))[0] != page["url"]:
                contents.problems.append(f"pages: {page['url']} does not lead to its response")
    for line in read_lines(data / "index.cdxj", contents):
        entry = json.loads(line[line.index(" {"):])
        contents.index[entry["url"]] += 1
        place = places.get((entry["filename"], int(entry["offset"])))
        if place != (entry["url"], int(entry["length"]), entry["digest"]):
            contents.problems.append(f"index: {entry['url']} does not lead to its response")
    contents.log = [json.loads(line) for line in read_lines(data / "crawl.log", contents)]
    if sum(contents.index.values()) != sum(contents.warc.values()):
        contents.problems.append("index: not a line a response")
    return contents


def first_fetch_after(data, when):
    """Milliseconds from `when` (Unix time) to the first fetch in crawl.log since; None without."""
    best = None
    try:
        lines = (data / "crawl.log").read_bytes().splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            begun = json.loads(line)["t"]
        except (ValueError, KeyError):
            continue  # torn by the kill
        stamp = time.strptime(begun[:19], "%Y-%m-%dT%H:%M:%S")
        ms = (calendar.timegm(stamp) - when) * 1000 + int(begun[20:23])
        if ms < 0:
            break
        best = ms
    return best


def rebuild_after_power_cut(data, shadow, target, rng):
    """Below `target`, what a machine that lost power would find of `data`.

    With rng None strictly what was synced; else, a file at a time, also some of what was not: a disk
    may have written more than it had to.
    """
    if not (shadow / "begun").exists():
        # Killed before main(): the shadow is half made, and nothing has been written.
        shutil.copytree(data, target, ignore=SOCKETS)
        return

    def keep(folder, where):
        where.mkdir()
        inode = os.stat(folder).st_ino if folder.exists() else None
        listing = shadow / "names" / str(inode)
        entries = {}
        if listing.exists():
            for line in listing.read_text().splitlines():
                number, kind, name = line.split("\t")
                entries[name] = (int(number), kind)
        if rng is not None and rng.random() < 0.5 and folder.exists():
            entries = {e.name: (e.inode(), "d" if e.is_dir() else "f") for e in os.scandir(folder)}
        for name, (number, kind) in entries.items():
            if kind == "d":
                keep(folder / name, where / name)
                continue
            synced = shadow / "content" / str(number)
            kept = synced.read_bytes() if synced.exists() else b""
            live = shadow / "live" / str(number)
            if live.is_socket() or (folder / name).is_socket():
                continue  # the admin API's; the next start makes its own
            if rng is not None and live.exists():
                now = live.read_bytes()
                if now.startswith(kept):  # any part of what was appended since
                    kept = now[:rng.choice((len(kept), len(now), rng.randint(len(kept), len(now))))]
            (where / name).write_bytes(kept)
    keep(data, target)


def seeded(seed):
    seed = seed if seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    return random.Random(seed)
