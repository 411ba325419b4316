"""One measurement: a process of its own, its output and the most memory it held."""
import os
import subprocess
import tempfile
import threading


class Failed(Exception):
    """What a process said last before it failed."""


def run(command, timeout):
    """Standard output and peak resident bytes of a command that succeeded."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        timer = threading.Timer(timeout, child.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            timed_out = not timer.is_alive()
            timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text = out.read().decode(errors="replace")
        if child.returncode != 0:
            lines = err.read().decode(errors="replace").strip().splitlines() or ["nothing was said"]
            raise Failed(f"more than {timeout} s" if timed_out else f"status {child.returncode}: {lines[-1][:200]}")
        return text, usage.ru_maxrss * 1024
