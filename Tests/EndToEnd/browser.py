"""A real browser without a screen: Debian's Chromium, driven over a pipe by the DevTools protocol."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from .claim import CannotRun, Refuted

PACKAGE = "chromium"
ANSWER_TIMEOUT = 30


def find():
    """The program; installed when it is missing, for it is too large for those who do not test the page."""
    if not shutil.which("chromium"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["install", "--yes", "--no-install-recommends", PACKAGE, "fonts-dejavu-core"]
        for words in (["update"], install):
            done = subprocess.run(
                ["apt-get", "-qq", *words], capture_output=True, text=True, timeout=900, env=environment)
            if done.returncode != 0:
                raise CannotRun(f"{PACKAGE} cannot be installed: {done.stderr.strip()[-200:]}")
    return shutil.which("chromium")


class Browser:
    """One browser with one page. Close it, or use it as a context."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        to_browser, from_us = os.pipe()
        to_us, from_browser = os.pipe()
        program = find()

        def place():
            # The browser reads 3 and writes 4: copied upwards first, so that neither is overwritten.
            reading, writing = os.dup2(to_browser, 100), os.dup2(from_browser, 101)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--disable-background-networking",
             "--remote-debugging-pipe", f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=place, close_fds=False)
        os.close(to_browser)
        os.close(from_browser)
        self.writing, self.reading = from_us, to_us
        self.rest, self.number, self.events = b"", 0, []
        targets = self.call("Target.getTargets", session=None)["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.writing)
        os.close(self.reading)
        shutil.rmtree(self.folder, ignore_errors=True)

    # The protocol

    def call(self, method, session="own", **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session == "own" and self.session:
            message["sessionId"] = self.session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Refuted(f"the browser refuses {method}: {answer['error'].get('message')}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def receive(self, deadline):
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reading], [], [], left)[0]:
                raise Refuted(f"the browser does not answer within {ANSWER_TIMEOUT} s")
            piece = os.read(self.reading, 1 << 20)
            if not piece:
                raise Refuted("the browser has ended")
            self.rest += piece
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    # The page

    def open(self, url, width=1440, height=900, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=url)

    def ask(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("text")
            raise Refuted(f"the page throws: {text}")
        return answer["result"].get("value")

    def wait(self, expression, what, timeout=30):
        """Asks until the expression is true, and returns its value."""
        deadline = time.monotonic() + timeout
        while True:
            # A page that is being loaded has no value yet.
            try:
                value = self.ask(expression)
            except Refuted:
                if time.monotonic() > deadline:
                    raise
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise Refuted(f"{what}: not within {timeout} s")
            time.sleep(0.1)

    def key(self, key, shift=False):
        """One key, pressed and released."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        codes |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        code = codes.get(key) or ord(key.upper())
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        text = {"Enter": "\r"}.get(key) or (key if len(key) == 1 else None)
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self):
        """PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def complaints(self):
        """Errors that the page has left in the console, such as what its policy for contents forbids."""
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(event["params"]["exceptionDetails"].get("text", "an exception"))
            entry = event.get("params", {}).get("entry", {})
            if event["method"] == "Log.entryAdded" and entry.get("level") == "error":
                found.append(entry.get("text", ""))
        return found
