# SPDX-License-Identifier: GPL-2.0
"""The host and the source of a run."""
import os
import subprocess


def output(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None


def host():
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        models = [line.split(":", 1)[1].strip() for line in cpuinfo
                  if line.startswith("model name")]
    qemu = output("qemu-system-x86_64", "--version")
    return {
        "cpu_model": models[0] if models else None,
        "cpus": os.cpu_count(),
        "qemu": qemu.splitlines()[0] if qemu else None,
        "load_average": os.getloadavg()[0],
    }


def source():
    here = os.path.dirname(os.path.abspath(__file__))
    git = ("git", "-c", "safe.directory=*", "-C", here)
    changed = output(*git, "status", "--porcelain", "-uno")
    return {
        "commit": output(*git, "rev-parse", "HEAD"),
        "changed_since": None if changed is None else bool(changed),
    }
