"""A real systemd to test with, booted in a third of a second as process 1 of namespaces of its own
(processes, mounts, network, control groups).

Its root is a throw-away overlay of this machine's: what is installed here is installed there, and nothing
that is done there changes this machine. A script calls main(), and its tests run in there, as root, in a
service; they prepare the rest themselves. Needs root, overlayfs and a control group hierarchy of version 2;
where the kernel does not give these, the script says so and is skipped.
"""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from support_lib import PATIENCE_S, ROOT, SKIPPED, must, run, skip

INSIDE = pathlib.Path("/crawld-test")  # in there: what the script gives, its sources, its result
BOOT_S = 100                           # for everything
SHUTDOWN = "RTMIN+14"                  # systemd(1): power off at once; here it ends the namespace
# They change what is not of a namespace, or wait for what is not there.
MASKED = ("systemd-sysctl.service", "systemd-modules-load.service", "systemd-remount-fs.service",
          "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-timesyncd.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
          "systemd-update-utmp.service", "systemd-journald-audit.socket",
          "systemd-networkd-wait-online.service", "systemd-tmpfiles-setup.service")
TARGET = """\
[Unit]
Wants=crawld-test.service sysinit.target
After=sysinit.target
"""
SERVICE = """\
[Unit]
After=basic.target
Requires=basic.target
[Service]
Type=exec
StandardOutput=append:{inside}/result
StandardError=append:{inside}/result
ExecStart=/usr/bin/python3 {inside}/{script} --inside
ExecStopPost=/bin/sh -c 'echo "$EXIT_STATUS" >{inside}/code'
ExecStopPost=kill -s {shutdown} 1
"""


def main(give):
    """Runs the tests of the calling script in there. First, and out here, give(folder) fills the folder that
    they find as INSIDE."""
    if sys.argv[1:] == ["--inside"]:
        unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)
    if os.getuid() != 0:
        skip("only root can make the namespaces")
    with control_group() as group, tempfile.TemporaryDirectory(prefix="crawld-systemd-") as folder:
        inside = pathlib.Path(folder) / "inside"
        inside.mkdir()
        give(inside)
        began = time.monotonic()
        code, console = in_namespaces(group, sys.executable, __file__, folder,
                                      pathlib.Path(sys.argv[0]).resolve().relative_to(ROOT))
        if code == SKIPPED:
            skip(console.replace("SKIPPED: ", "").strip())
        result, status = inside / "result", inside / "code"
        print(result.read_text() if result.exists() else "there is no result")
        print(f"in all {time.monotonic() - began:.1f} s")
        ended = status.read_text().strip() if status.exists() else "nothing"
        if ended != "0":
            print(console)
            sys.exit(f"the tests ended with {ended}, and systemd with {code}")


@contextlib.contextmanager
def control_group():
    """A new one below our own. Buried with all that systemd has made in it."""
    hierarchies = re.findall(r"^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 ",
                             pathlib.Path("/proc/self/mountinfo").read_text(), re.M)
    if not hierarchies:
        skip("no control group hierarchy of version 2 is mounted")
    own = re.search(r"^0::(.*)$", pathlib.Path("/proc/self/cgroup").read_text(), re.M)[1]
    group = pathlib.Path(hierarchies[0] + own) / f"crawld-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as e:
        skip(f"no control group can be made: {e}")
    try:
        yield group
    finally:
        for path in sorted(group.glob("**/"), key=lambda path: len(path.parts), reverse=True):
            for _ in range(100):
                try:
                    path.rmdir()
                    break
                except OSError:  # the kernel has not buried its last process yet
                    time.sleep(0.02)


def in_namespaces(group, *words):
    """The exit code, and what came on the console. What is in there ends with the namespace."""
    def enter():
        (group / "cgroup.procs").write_text("0")
    try:
        done = run("unshare", "--pid", "--fork", "--kill-child", "--mount", "--propagation=private", "--uts",
                   "--ipc", "--net", "--cgroup", *words, preexec_fn=enter, stdin=subprocess.DEVNULL,
                   timeout=BOOT_S)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        return "a timeout", (e.stdout or b"").decode(errors="replace")


def mount(kind, source, target, *options):
    target.mkdir(parents=True, exist_ok=True)
    how = ["--bind"] if kind == "bind" else ["-t", kind]
    done = run("mount", *how, *options, source, target)
    if done.returncode != 0:
        skip(f"the kernel does not let {target.name} be mounted: {done.stdout.strip()}")


def boot(folder, script):
    """In the new namespaces: lays out the root, and becomes systemd."""
    work = folder / "work"
    root = work / "root"
    mount("tmpfs", "tmpfs", work)
    for name in ("upper", "work"):
        (work / name).mkdir()
    mount("overlay", "overlay", root, "-o", f"lowerdir=/,upperdir={work}/upper,workdir={work}/work")
    mount("proc", "proc", root / "proc")
    # What is there of the kernel is not this namespace's own.
    mount("bind", root / "proc/sys", root / "proc/sys", "-o", "ro")
    mount("sysfs", "sysfs", root / "sys", "-o", "ro")
    mount("cgroup2", "cgroup2", root / "sys/fs/cgroup")
    for name in ("run", "tmp", "dev"):
        mount("tmpfs", "tmpfs", root / name)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).touch()
        must("mount", "--bind", f"/dev/{name}", root / "dev" / name)
    mount("tmpfs", "tmpfs", root / "dev/shm")
    mount("devpts", "devpts", root / "dev/pts", "-o", "newinstance,ptmxmode=0666")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    units = root / "etc/systemd/system"
    shutil.rmtree(units, ignore_errors=True)
    units.mkdir(parents=True)
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "crawld-test.target").write_text(TARGET)
    (units / "crawld-test.service").write_text(
        SERVICE.format(inside=INSIDE, script=script, shutdown=SHUTDOWN))
    (root / "etc/machine-id").write_text("")
    inside = root / INSIDE.relative_to("/")
    mount("bind", folder / "inside", inside)
    mount("bind", ROOT / "tests", inside / "tests", "-o", "ro")
    # Not chroot(2): services get mount namespaces of their own, and those begin at the real root.
    os.chdir(root)
    pathlib.Path("before").mkdir()
    if run("pivot_root", ".", "before").returncode != 0:
        skip("the kernel does not let the root be changed")
    os.chdir("/")
    must("umount", "-l", "/before")
    # Credentials are mounted by a child of systemd's, in a namespace of its own, and come from there.
    must("mount", "--make-rshared", "/")
    os.execve("/lib/systemd/systemd",
              ["systemd", "--unit=crawld-test.target", "--show-status=false", "--log-level=info",
               "--log-target=journal"],
              {"container": "crawld-test",
               "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"})


# --- for the tests in there

def systemctl(*words):
    return run("systemctl", "--no-pager", *words)


def show(unit, *properties):
    """The value, or of several {property: value}."""
    words = [f"--property={name}" for name in properties]
    out = systemctl("show", unit, *words).stdout
    found = dict(line.split("=", 1) for line in out.splitlines())
    return found[properties[0]] if len(properties) == 1 else found


def journal(unit):
    run("journalctl", "--sync")
    return run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout


def wait_until(unit, what, holds):
    """systemd tells nobody without D-Bus, so it is asked again and again."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError(f"never came: {what}\n" + systemctl("status", unit).stdout + journal(unit))


if __name__ == "__main__":
    boot(pathlib.Path(sys.argv[1]), sys.argv[2])
