# SPDX-License-Identifier: Apache-2.0
"""Runs builders and the worker, reads their events, and sees what they leave behind."""

import ctypes
import dataclasses
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

EVENT_FD = 3
SAMPLE_FD = 4
_PR_SET_CHILD_SUBREAPER = 36


def take_descriptors():
    """Keeps descriptors 3 and 4 for the children, and makes this process inherit their orphans."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (EVENT_FD, SAMPLE_FD):
        if descriptor != null:
            os.dup2(null, descriptor)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclasses.dataclass
class Child:
    """What a child did.  `code` is its exit code, negative for a signal, None for a time-out."""

    code: int | None
    events: list
    bad_lines: list  # lines on the event descriptor that are no event
    stderr: str
    orphans: list  # "pid command" of processes that outlived it

    def of(self, kind):
        return [event for event in self.events if event["event"] == kind]

    def last(self):
        return self.events[-1]["event"] if self.events else "nothing"

    def tail(self):
        """One line that tells how it ended, for the detail of a failed check."""
        if self.code is None:
            return "timed out"
        error = self.of("error")
        text = error[-1].get("message", "") if error else self.stderr.strip().rsplit("\n", 1)[-1]
        return f"exit {self.code}, last event {self.last()}: {text[:300]}"


def _children_of(pid):
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as handle:
                text = handle.read()
        except OSError:
            continue
        rest = text.rsplit(")", 1)[1].split()
        if int(rest[1]) == pid and rest[0] != "Z":
            found[int(entry)] = text[text.index("(") + 1:text.rindex(")")]
    return found


def _reap_orphans(before):
    """Processes that came to us when the child died: given 2 s to end, then killed and named."""
    until = time.monotonic() + 2
    left = {}
    while True:
        left = {p: c for p, c in _children_of(os.getpid()).items() if p not in before}
        if not left or time.monotonic() > until:
            break
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    return [f"{pid} {command}" for pid, command in left.items()]


def _parse(data):
    events, bad = [], []
    for line in data.decode("utf-8", "replace").split("\n"):
        if not line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            events.append(event)
        else:
            bad.append(line[:200])
    return events, bad


def run(argv, request, scratch, cpus, timeout_s, sample_memfd=None, env=None):
    """Runs `argv` with the request on stdin, on `cpus`, with its HOME and temporary folders in `scratch`.

    `env`: further environment variables.
    """
    before = _children_of(os.getpid())
    read, write = os.pipe()
    os.dup2(write, EVENT_FD)
    os.close(write)
    if sample_memfd is not None:
        os.dup2(sample_memfd, SAMPLE_FD)
    whole = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": scratch, "TMPDIR": scratch,
             "XDG_CACHE_HOME": os.path.join(scratch, "cache"), "ASSAY_EVENT_FD": str(EVENT_FD), **(env or {})}
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stdin:
        stdin.write(json.dumps(request).encode())
        stdin.seek(0)
        fds = (EVENT_FD,) if sample_memfd is None else (EVENT_FD, SAMPLE_FD)
        child = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, env=whole,
                                 cwd=scratch, pass_fds=fds, start_new_session=True,
                                 preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, EVENT_FD)
        os.dup2(null, SAMPLE_FD)
        os.close(null)
        data = bytearray()
        reader = threading.Thread(target=_drain, args=(read, data), daemon=True)
        reader.start()
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            code = None
        orphans = _reap_orphans(before)
        reader.join(5)
        stderr.seek(0)
        text = stderr.read().decode("utf-8", "replace")
    events, bad = _parse(bytes(data))
    return Child(code, events, bad, text, orphans)


def _drain(descriptor, data):
    with os.fdopen(descriptor, "rb") as handle:
        while block := handle.read1(1 << 16):
            data += block
