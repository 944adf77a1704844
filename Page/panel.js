// What is known of one workload or of one edge. Everything is put in as text: paths and names come from outside.

const panel = {
  /** Documents besides the graph, fetched while the panel is open. */
  extra: {},
  opener: null,

  async open(mayFocus) {
    panel.opener = mayFocus ? document.activeElement : panel.opener;
    panel.draw();
    if (mayFocus) byID("panel").focus({ preventScroll: true });
    await panel.fetch();
  },

  async fetch() {
    const names = ["workloads", "policies", "denials", "status"];
    const answers = await Promise.allSettled(names.map((name) => ask(`api/${name}`)));
    answers.forEach((answer, index) => {
      if (answer.status === "fulfilled") panel.extra[names[index]] = answer.value;
    });
    panel.draw();
  },

  close() {
    byID("panel").hidden = true;
    panel.opener?.focus?.({ preventScroll: true });
    panel.opener = null;
  },

  draw() {
    const element = byID("panel");
    if (!model.selected) {
      if (!element.hidden) panel.close();
      return;
    }
    const { kind, id } = model.selected;
    const subject = (kind === "node" ? model.nodes : model.edges).get(id);
    const top = element.scrollTop;
    const focus = element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    element.hidden = false;
    element.replaceChildren(
      make("button", { type: "button", class: "icon close", "aria-label": "Close", "data-focus": "close",
        onclick: () => select(null) }, "×"),
      ...(subject ? (kind === "node" ? nodePanel(subject) : edgePanel(subject))
        : [make("h2", {}, id), make("p", { class: "quiet" }, "It is gone.")]));
    element.scrollTop = top;
    if (focus) element.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  },
};

function section(title, ...content) {
  const filled = content.flat().filter(Boolean);
  return make("section", {}, make("h3", {}, title), filled.length ? filled : make("p", { class: "quiet" }, "None."));
}

function facts(pairs) {
  return make("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== "").map(([name, value, mark]) =>
    make("div", {}, make("dt", {}, name), make("dd", { class: mark || undefined }, value))));
}

// A workload

function nodePanel(node) {
  const { callers, calls } = model.edgesOf(node.id);
  return [
    make("p", { class: "over" }, node.namespace || "outside the mesh"),
    make("h2", {}, node.name),
    node.problems.map((problem) => make("p", { class: "problem" }, problem)),
    facts([
      ["Kind", node.kind],
      ["Pods ready", node.pods ? `${node.podsReady} of ${node.pods}` : undefined, node.podsReady < node.pods && "bad"],
      ["In the mesh", node.isCaptured ? "yes" : "no: its connections are not encrypted", !node.isCaptured && "plain"],
      ["Services", node.services.join(", ")],
    ]),
    edgeList("Called by", callers, (edge) => edge.source),
    edgeList("Calls", calls, (edge) => edge.destination),
    certificates(node),
    policies([node.id]),
    waypoint(node),
    denials((one) => one.source === node.id || one.destination === node.id),
  ].flat();
}

function edgeList(title, edges, other) {
  return section(title, edges.map((edge) => make("button", {
    type: "button", class: `row ${edge.isDenied || edge.isFailing ? "bad" : edge.isPlain ? "plain" : ""}`,
    "data-focus": `edge ${edge.id}`, "aria-label": model.sentence(edge),
    onclick: () => select({ kind: "edge", id: edge.id }, true),
  }, make("span", {}, model.name(other(edge))), make("span", { class: "number" }, labelContent(edge)))));
}

function certificates(node) {
  const pods = (panel.extra.workloads?.items ?? []).filter((one) => one.owner === node.id);
  const now = model.graph.time;
  return section("Pods and certificates", pods.map((pod) => {
    const one = pod.certificate;
    const state = !pod.isCaptured ? "not in the mesh" : !one ? "no word of its certificate"
      : one.state !== "Available" ? one.state
        : `certificate ends in ${show.span((one.notAfter ?? now) - now)}`;
    return make("div", { class: "item" },
      make("p", {}, pod.name, " ", make("span", { class: pod.isReady ? "quiet" : "bad" }, pod.isReady ? "ready" : "not ready")),
      make("p", { class: "quiet" }, `${pod.node || "no node"} · ${pod.addresses.join(" ")}`),
      make("p", { class: "quiet" }, state),
      one?.serial && make("p", { class: "quiet code" }, `serial ${one.serial}`),
      pod.problem && make("p", { class: "problem" }, pod.problem));
  }), node.identities.map((identity) => make("p", { class: "code" }, identity)));
}

function policies(ids) {
  const bound = (panel.extra.policies?.items ?? []).filter((one) => one.workloads.some((id) => ids.includes(id)));
  return section("Policies", bound.map((one) => make("div", { class: "item" },
    make("p", {}, make("span", { class: `verb ${one.action}` }, one.action.toUpperCase()), " ", one.key,
      one.isDryRun ? " (dry run)" : ""),
    make("p", { class: "quiet" }, `${show.plural(one.rules, "rule")}, by ${one.enforcedBy.join(" and ")}`),
    one.places.map((place) => make("p", { class: "quiet code" }, place)))));
}

function waypoint(node) {
  if (!node.waypoint) return [];
  const one = panel.extra.status?.waypoints.find((entry) => entry.name === node.waypoint);
  return section("Waypoint",
    make("p", {}, node.waypoint, " ", make("span", { class: "quiet" }, one ? (one.isRunning ? "runs" : "starts when it is called") : "")),
    one?.reasons.map((reason) => make("p", { class: "quiet" }, reason)));
}

function denials(isOf) {
  const now = model.graph.time;
  const all = (panel.extra.denials?.items ?? []).filter(isOf).slice(0, 12);
  return section("Last denials", all.map((one) => make("div", { class: "item" },
    make("p", {}, make("span", { class: "bad" }, one.reason), " ",
      make("span", { class: "quiet" }, show.ago(one.time, now))),
    one.method && make("p", { class: "code" }, `${one.method} ${one.path ?? ""}`),
    make("p", { class: "quiet" }, `${model.name(one.source)}${one.sourceAddress ? ` (${one.sourceAddress})` : ""}`
      + ` → ${one.service ?? model.name(one.destination)}`))));
}

// An edge

function edgePanel(edge) {
  const [from, to] = [model.nodes.get(edge.source), model.nodes.get(edge.destination)];
  const perSecond = edge.unit === "requests" ? "Requests" : "Connections";
  const end = (node, id) => make("button", { type: "button", class: "link", "data-focus": `node ${id}`,
    onclick: () => select({ kind: "node", id }, true) }, node ? node.name : id);
  return [
    make("p", { class: "over" }, edge.protocol.toUpperCase()),
    make("h2", {}, end(from, edge.source), make("span", { class: "quiet" }, " → "), end(to, edge.destination)),
    edge.isDenied && make("p", { class: "problem" },
      `Denied: ${edge.lastDenial ? edge.lastDenial.reason : "by policy"}`),
    make("p", { class: edge.isPlain ? "plain" : "quiet" }, {
      "mutual-tls": "Encrypted, and both ends have proved who they are.",
      plaintext: "Not encrypted: one end is not in the mesh.",
      mixed: "Partly encrypted: some of it comes in plaintext.",
    }[edge.security]),
    facts([
      [perSecond, show.rate(edge.rate)],
      ["Errors", show.share(edge.errorShare), edge.isFailing && "bad"],
      ["Denied", show.rate(edge.deniedPerSecond), edge.isDenied && "bad"],
      ["Not opened", edge.failedPerSecond ? show.rate(edge.failedPerSecond) : undefined, "bad"],
      [edge.unit === "requests" ? "Half take at most" : "Half live at most", show.milliseconds(edge.p50)],
      [edge.unit === "requests" ? "99 of 100 take at most" : "99 of 100 live at most", show.milliseconds(edge.p99)],
      ["Sent, received", `${show.bytes(edge.sentPerSecond)}/s, ${show.bytes(edge.receivedPerSecond)}/s`],
      ["Open connections", show.count(edge.open)],
      ["Seen by", { waypoint: "the waypoint", destination: "the destination's agent", source: "the source's agent" }[edge.observer]],
      ["Last seen", show.ago(edge.lastSeen, model.graph.time)],
      ["Services", edge.services.join(", ")],
    ]),
    section("Identities",
      (from?.identities ?? []).map((one) => make("p", { class: "code" }, one)),
      (to?.identities ?? []).map((one) => make("p", { class: "code" }, `→ ${one}`))),
    policies([edge.destination]),
    denials((one) => one.source === edge.source && one.destination === edge.destination),
  ].flat().filter(Boolean);
}
