#!/usr/bin/python3
"""page_test.py CRAWLD OUT : the daemon's page, in a real browser.

Starts a small site and the daemon, opens its page in headless Chromium (by chromedriver's WebDriver protocol) and
looks at it as people do: with eyes (screenshots go to OUT), with a keyboard, on a phone, with a screen reader.
"""
import base64
import http.server
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

CRAWLD, OUT = sys.argv[1], pathlib.Path(sys.argv[2])
PATIENCE = 60
# Where a page that makes HTML of it is caught.
NASTY = "/%3Cimg%20src=x%20onerror=%22document.title='broken'%22%3E?<b>bold</b>"


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        # What it makes up has no end: each page has a path of its own that is too long.
        endless = f'<a href="/calendar{self.path.split("?")[0]}/{"x" * 250}">next</a>'
        links = endless + "".join(f'<a href="/p{i}">{i}</a>' for i in range(20)) + f"<a href=\"{NASTY}\">x</a>"
        body = f"<!DOCTYPE html><title>t</title>{links}".encode()
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        threading.Event().wait(0.05)


class Browser:
    """As much of WebDriver (https://www.w3.org/TR/webdriver2/) as is needed."""

    def __init__(self, folder):
        self.port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        wait_for("chromedriver", self.ready)
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     f"--user-data-dir={folder}/profile", "--window-size=1280,1000"]
        wanted = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, whole=True)
        self.session = made["sessionId"]

    def ready(self):
        try:
            return json.load(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status"))["value"]["ready"]
        except (urllib.error.URLError, ConnectionError):
            return False

    def call(self, method, path, body=None, whole=False):
        url = f"http://127.0.0.1:{self.port}" + ("" if whole else f"/session/{self.session}") + path
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            return json.load(urllib.request.urlopen(request))["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:500]}") from error

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, css):
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.textContent : null", css)

    def keys(self, *keys):
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, css):
        self.run("document.querySelector(arguments[0]).click()", css)

    def resize(self, width, height):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}})

    def tree(self):
        return self.call("POST", "/goog/cdp/execute", {"cmd": "Accessibility.getFullAXTree", "params": {}})["nodes"]

    def screenshot(self, name):
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / name).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def console(self):
        return self.call("POST", "/se/log", {"type": "browser"})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()


TAB, ENTER = "\ue004", "\ue007"


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        threading.Thread(target=cls.site.serve_forever, daemon=True).start()
        cls.browser = Browser(cls.folder)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.site.shutdown()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def start(self, more=""):
        self.browser.console()  # what another test has left
        self.port = free_port()
        data = self.folder / f"data-{self.port}"
        config = self.folder / f"{self.port}.yaml"
        config.write_text(f"""
name: page
data_dir: {data}
identity: {{user_agent: "page (+https://example.org/bot)"}}
seeds: {{urls: ["http://127.0.0.1:{self.site.server_port}/", "http://127.0.0.1:1/"]}}
politeness: {{delay: 300ms}}
scope: {{max_url_length: 250}}
fetcher: {{allow_addresses: [127.0.0.0/8]}}
admin: {{listen: "127.0.0.1:{self.port}"{more}}}
""")
        self.daemon = subprocess.Popen([CRAWLD, "run", "-c", str(config)], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        self.url = f"http://127.0.0.1:{self.port}/"
        wait_for("the daemon", self.listens)

    def listens(self):
        self.assertIsNone(self.daemon.poll(), "the daemon has ended")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(timeout=PATIENCE)

    def await_text(self, css, text):
        wait_for(f"{text!r} in {css}", lambda: text in (self.browser.text(css) or ""))

    def clean_console(self):
        bad = [entry for entry in self.browser.console() if entry["level"] == "SEVERE"]
        # Hosts are asked for that the frontier has not committed yet; the connection ends with the daemon.
        self.assertEqual([entry["message"] for entry in bad
                          if "ERR_" not in entry["message"] and "favicon" not in entry["message"]], [])

    def test_it_shows_the_crawl_live_and_takes_orders(self):
        page = self.browser
        self.start()
        page.resize(1280, 1000)
        page.open(self.url)
        self.await_text("#state", "running")
        self.await_text("#crawl", "page")
        self.await_text("#hosts tbody", "127.0.0.1")
        self.await_text("#fetches tbody", "/p1")
        self.await_text("#checks tbody", "descriptors")
        wait_for("curves", lambda: page.run("return document.querySelectorAll('polyline').length") >= 6)
        labels = page.run("return [...document.querySelectorAll('svg')].map(e => e.getAttribute('aria-label'))")
        self.assertEqual(len(labels), 7)
        for label in labels:
            self.assertRegex(label, r"^.+ over \d+ minutes; now .+ ")
        page.screenshot("page.png")
        # A stranger's markup is text.
        self.await_text("#fetches tbody", "bold")
        self.assertEqual(page.run("return document.querySelectorAll('main img, td b').length"), 0)
        self.assertNotEqual(page.run("return document.title"), "broken")
        self.await_text("#traps tbody", "/calendar/")
        self.await_text("#traps tbody", "url_too_long")
        # Errors alone.
        page.click("#errors-only")
        wait_for("errors alone", lambda: "/p1" not in page.text("#fetches tbody"))
        # A host, and back.
        page.click("#hosts tbody button")
        self.await_text("#host-facts", "300 ms")
        self.assertEqual(page.run("return document.activeElement.id"), "host-title")
        page.screenshot("host.png")
        page.click("#host-pause")
        self.await_text("#holds tbody", "127.0.0.1")
        page.click("#holds tbody button")
        self.await_text("#holds tbody", "none")
        page.click("#pause")
        self.await_text("#state", "paused")
        self.await_text("#waits", "paused by the operator")
        page.click("#pause")
        self.await_text("#state", "running")
        # The search.
        page.run("const s = document.getElementById('search'); s.value = 'nobody'; "
                 "s.dispatchEvent(new Event('input'))")
        self.await_text("#hosts tbody", "none yet")
        # Nothing from elsewhere.
        foreign = page.run("return performance.getEntriesByType('resource').map(e => e.name)")
        self.assertTrue(foreign)
        self.assertEqual([name for name in foreign if not name.startswith(self.url)], [])
        self.clean_console()
        # It says so when nobody answers, and finds back.
        self.stop()
        self.await_text("#state", "no connection")
        self.assertFalse(page.run("return document.getElementById('problem').hidden"))

    def test_it_is_used_by_keyboard_and_screen_reader(self):
        page = self.browser
        self.start()
        page.resize(1280, 1000)
        page.open(self.url)
        self.await_text("#state", "running")
        self.await_text("#hosts tbody", "127.0.0.1")
        page.keys(TAB)
        self.assertEqual(page.run("return document.activeElement.className"), "skip")
        page.keys(ENTER)
        self.assertEqual(page.run("return document.activeElement.id"), "hosts-title")
        page.keys(TAB)
        self.assertEqual(page.run("return document.activeElement.id"), "search")
        page.keys(TAB, TAB)
        self.assertEqual(page.run("return document.activeElement.textContent"), "127.0.0.1")
        page.keys(ENTER)
        wait_for("the host", lambda: not page.run("return document.getElementById('host').hidden"))
        nameless = []
        for node in page.tree():
            role = node.get("role", {}).get("value")
            focusable = any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", []))
            named = bool(node.get("name", {}).get("value"))
            if not node.get("ignored") and (role in ("button", "link", "textbox", "searchbox", "combobox", "checkbox",
                                                     "img", "image") or focusable) and not named:
                nameless.append(role)
        self.assertEqual([role for role in nameless if role not in ("RootWebArea",)], [])
        self.assertEqual(page.run("return document.documentElement.lang"), "en")
        tables = page.run("return [...document.querySelectorAll('table')].filter(t => !t.caption).length")
        self.assertEqual(tables, 0)

    def test_it_fits_a_phone(self):
        page = self.browser
        self.start()
        page.resize(360, 740)
        page.open(self.url)
        self.await_text("#state", "running")
        self.await_text("#fetches tbody", "/p1")
        width, room = page.run("return [document.documentElement.scrollWidth, window.innerWidth]")
        self.assertLessEqual(width, room)
        page.screenshot("phone.png")

    def test_it_asks_for_the_token(self):
        page = self.browser
        token = self.folder / "token"
        token.write_text("open-sesame\n")
        self.start(f", token_file: {token}")
        page.resize(1280, 1000)
        page.open(self.url)
        wait_for("the token's field", lambda: not page.run("return document.getElementById('token-form').hidden"))
        page.run("document.getElementById('token').value = 'open-sesame'; "
                 "document.querySelector('#token-form button').click()")
        self.await_text("#state", "running")
        self.await_text("#fetches tbody", "/p1")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
