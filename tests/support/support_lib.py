"""What the tests that are written in Python share: the tree, programs that are run to their end, a site."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # only what hangs takes so long
SKIPPED = 77     # ctest's SKIP_RETURN_CODE


def skip(reason):
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(SKIPPED)


def run(*words, timeout=PATIENCE_S, **options):
    """To its end, both outputs as one text; the caller looks at the exit code itself."""
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=timeout, check=False, **options)


def must(*words, **options):
    """What it prints; that it fails is an error."""
    done = run(*words, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(str(word) for word in words)}: {done.returncode}\n{done.stdout}")
    return done.stdout


class Site:
    """The generated site of site_server, on loopback; ends with its stdin."""

    def __init__(self, server, *options):
        self.process = subprocess.Popen([server, *options], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()
