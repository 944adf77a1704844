"""Row 31: the page that draws the service graph, in a real browser."""

import json
import os
import statistics
import subprocess
import sys
import urllib.error
import urllib.request

from .. import sketch
from ..browser import Browser
from ..claim import claim, hold
from .w_waypoint import Waypoints

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# Runs in a pod: asks the same of several for as long as somebody looks, two minutes at most.
KEEP_ASKING = """
import sys, time, urllib.error, urllib.request
end = time.time() + 120
while time.time() < end:
    for line in sys.argv[1:]:
        method, url = line.split()
        try:
            urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20).read()
        except OSError:
            pass
    time.sleep(0.05)
"""

DRAWN = "Number(document.documentElement.dataset.turn) > 0"


def get(url, host=None):
    """Status and body of a page, asked for under a name."""
    request = urllib.request.Request(url, headers={"host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def element(identifier):
    return f"document.querySelector('.edge[data-id={json.dumps(identifier)}]')"


@claim("31a", "In a browser: the shop live, padlocks, a denied edge in red with its reason, by keyboard too")
def shop(world):
    with Waypoints(world) as shop, Browser() as browser:
        web, order = shop.pod("web-"), shop.pod("order-service-v1")
        legacy = shop.pod("legacy-client", "legacy")
        url = shop.mesh.report().get("page")
        hold(url and url.startswith("http://127.0.0.1:"), f"`apus dev ps` tells no page: {url}")
        asking = [
            shop.mesh.exec_start(pod, "python3", "-c", KEEP_ASKING, *lines)
            for pod, lines in (
                (web, ("GET http://order-service/", "GET http://payment-service/v1/payments?card=4111")),
                (order, ("POST http://payment-service/v1/payments",)),
                (legacy, ("GET http://order-service.production/",)),
            )
        ]
        try:
            return look(shop, browser, url)
        finally:
            for one in asking:
                one.kill()
                one.wait()


def look(shop, browser, url):
    browser.open(url)
    browser.wait(DRAWN, "the page draws")
    served = "production/web>production/order-service-v1"
    denied = "production/web>production/payment-service"
    plain = "legacy/legacy-client>production/order-service-v1"
    of = {name: f"model.edges.get({json.dumps(name)})" for name in (served, denied)}
    browser.wait(f"{of[served]}?.rate > 1 && {element(served)} !== null", "an edge with a rate")
    browser.wait(f"{of[denied]}?.deniedPerSecond > 0", "the denial is seen")
    label = f"[...drawing.labels].find(([id]) => id === {json.dumps(denied)})?.[1].textContent"
    text = browser.wait(label, "the denied edge has a label")
    hold("denied" in text and "no-policy-allows" in text, f"the label says {text!r}")
    stroke = browser.ask(f"getComputedStyle({element(denied)}.querySelector('.line')).stroke")
    red, green, blue = (int(part) for part in stroke[4:-1].split(","))
    hold(red > 150 and red > 2 * max(green, blue), f"the denied edge is drawn in {stroke}")
    lock = browser.ask(f"{of[served]}.security")
    hold(lock == "mutual-tls", f"the served edge is {lock}")
    dashed = browser.wait(f"{element(plain)}?.classList.contains('is-dashed')", "plaintext is marked")
    hold(dashed, "what is not encrypted is not marked")
    # With the keyboard alone: to the payment service, and open it.
    browser.ask("document.querySelector('.node[data-id=\"production/web\"]').focus()")
    for _ in range(4):
        browser.key("ArrowRight")
    at = browser.ask("document.activeElement.dataset.id")
    hold(at == "production/payment-service", f"the arrow keys lead to {at}")
    browser.key("Enter")
    panel = "byID('panel').innerText"
    for what in ("certificate ends in", "serial ", "no-policy-allows", "GET /v1/payments", "ALLOW"):
        browser.wait(f"{panel}.includes({json.dumps(what)})", f"the panel says {what!r}")
    hold("4111" not in browser.ask(panel), "the panel shows a query")
    browser.key("Escape")
    hold(browser.ask("byID('panel').hidden"), "Escape does not close the panel")
    # The same as a table, and in the dark.
    browser.ask("byID('as-table').click()")
    rows = browser.ask("[...document.querySelectorAll('tbody tr')].map((row) => row.innerText)")
    told = any("production/payment-service" in row and "no-policy-allows" in row for row in rows)
    hold(told, "the table does not tell of the denial")
    browser.ask("byID('as-graph').click(); byID('theme').click()")
    hold(browser.ask("document.documentElement.dataset.theme") == "dark", "it does not turn dark")
    rate = browser.ask(f"show.rate({of[served]}.rate)")
    p99 = browser.ask(f"show.milliseconds({of[served]}.p99)")
    guarded(shop, browser, url)
    browser.wait(f"{of[served]}?.rate > 1", "agents and waypoints report to the new control plane", 60)
    return f"web to order-service-v1 {rate}, p99 {p99}; web to payment-service: {text}; {len(rows)} rows"


def guarded(shop, browser, url):
    hold(get(f"{url}api/graph", "evil.example")[0] == 421, "another site's name is answered")
    status = get(f"{url}api/status")[1]
    hold("AuthorizationPolicy" in status, "the status does not say why a waypoint is there")
    # The socket is the supervisor's: a control plane that comes anew serves at the same place.
    shop.mesh.must("control", "restart")
    turn = browser.ask("loop.turn")
    browser.wait(f"loop.turn > {turn} && byID('notice').hidden", "the page goes on after a restart", 60)
    complaints = [one for one in browser.complaints() if "ERR_" not in one and "502" not in one]
    hold(not complaints, f"the browser complains: {complaints[:2]}")


@claim("31b", "The same page with 300 services: all named and apart, nothing moves, an update costs little")
def many(world):
    built = os.path.join(world.folder, "page.html")
    subprocess.run([sys.executable, os.path.join(ROOT, "Scripts/build-page"), "--html", built], check=True)
    with open(built, "rb") as file:
        server = sketch.PaperServer(file.read())
    nodes, edges = sketch.large(300)
    server.documents["/api/graph"] = lambda: sketch.graph(nodes, edges)
    try:
        with Browser() as browser:
            browser.open(server.url)
            browser.wait(f"{DRAWN} && drawing.nodes.size === 300", "300 services are drawn")
            settled = "loop.turn >= 3 && !layout.isStale"
            browser.wait(settled, "the layout settles")
            places = "JSON.stringify([...layout.places].map(([id, p]) => [id, p.x, p.y]).sort())"
            before = browser.ask(places)
            legible(browser)
            # Rates change, an edge goes, another comes that runs as the others do: nothing moves.
            gone = edges.pop()
            for one in edges:
                one["rate"] *= 1.3
            costs = []
            for _ in range(5):
                turn = browser.ask("loop.turn")
                browser.wait(f"loop.turn > {turn}", "another update")
                costs.append(browser.ask("loop.cost"))
            remains = browser.ask(f"drawing.edges.has({json.dumps(gone['id'])})")
            hold(not remains, "an edge that is gone is still drawn")
            hold(browser.ask(places) == before, "services have moved between updates")
            found = narrowed(browser, nodes)
            hold(not browser.complaints(), f"the browser complains: {browser.complaints()[:2]}")
            drawn = browser.ask("drawing.edges.size")
            labels = browser.ask("drawing.labels.size")
            return (
                f"300 services, {drawn} edges, {labels} labels, {statistics.median(costs):.0f} ms an update; "
                f"search leaves {found}"
            )
    finally:
        server.close()


def legible(browser):
    overlaps = browser.ask("""
        (() => {
          const boxes = [...layout.places.values()];
          let count = 0;
          boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
            const isBeside = a.x >= b.x + b.width || b.x >= a.x + a.width;
            if (!isBeside && a.y < b.y + b.height && b.y < a.y + a.height) count += 1;
          }));
          return count;
        })()""")
    hold(overlaps == 0, f"{overlaps} pairs of services stand on each other")
    smallest = browser.ask(
        "Math.min(...[...document.querySelectorAll('.node .name')].map((name) =>"
        " parseFloat(getComputedStyle(name).fontSize) * drawing.view.scale))")
    hold(smallest >= 9, f"names are {smallest:.1f} pixels high when all is in view")
    outside = browser.ask(
        "[...document.querySelectorAll('.node')].filter((node) => { const b = node.getBoundingClientRect();"
        " const c = byID('canvas').getBoundingClientRect();"
        " return b.left < c.left || b.right > c.right || b.top < c.top || b.bottom > c.bottom; }).length")
    hold(outside == 0, f"{outside} services are out of view")
    crossing = browser.ask("""
        (() => {
          const labels = [...document.querySelectorAll('.label rect')];
          const boxes = labels.map((one) => one.getBoundingClientRect());
          let count = 0;
          boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
            const isBeside = a.left >= b.right || b.left >= a.right;
            if (!isBeside && a.top < b.bottom && b.top < a.bottom) count += 1;
          }));
          return count;
        })()""")
    hold(crossing == 0, f"{crossing} pairs of labels cover each other")


def narrowed(browser, nodes):
    """Search, and the filter by namespace."""
    name = nodes[17]["name"]
    search = "byID('search').value = {}; byID('search').dispatchEvent(new Event('input'))"
    browser.ask(search.format(json.dumps(name)))
    left = browser.ask("drawing.nodes.size")
    found = browser.ask(f"drawing.nodes.has({json.dumps(nodes[17]['id'])})")
    hold(found and left < 60, f"search leaves {left}")
    browser.ask(search.format("''"))
    browser.ask("byID('problems').click()")
    shown = browser.ask(
        "[...drawing.edges.values()].every((one) => /is-bad|is-plain/.test(one.getAttribute('class')))")
    hold(shown, "the filter for problems shows an edge without one")
    browser.ask("byID('problems').click()")
    hold(browser.ask("drawing.nodes.size") == 300, "a filter that is taken back leaves something out")
    return left
