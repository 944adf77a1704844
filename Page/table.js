// The same as tables: for who reads better so, and for screen readers.

const tables = {
  order: { edges: ["weight", -1], workloads: ["name", 1] },

  update() {
    const { nodes, edges } = model.visible();
    const view = byID("table-view");
    const focus = document.activeElement?.dataset?.focus;
    view.replaceChildren(
      tables.table("edges", `Connections (${edges.length})`, EDGE_COLUMNS, edges),
      tables.table("workloads", `Workloads (${nodes.length})`, NODE_COLUMNS, nodes));
    if (focus) view.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  },

  table(name, caption, columns, rows) {
    const [by, way] = tables.order[name];
    const column = columns.find((one) => one.key === by);
    const value = column ? column.value : (row) => row[by];
    const sorted = [...rows].sort((one, two) => {
      const [a, b] = [value(one), value(two)];
      return (a < b ? -1 : a > b ? 1 : one.id < two.id ? -1 : 1) * (a === b ? 1 : way);
    });
    const head = columns.map((one) =>
      make("th", { scope: "col", class: one.isNumber && "number",
        "aria-sort": one.key === by ? (way > 0 ? "ascending" : "descending") : undefined },
      make("button", { type: "button", "data-focus": `${name} ${one.key}`, onclick: () => {
        tables.order[name] = [one.key, one.key === by ? -way : one.isNumber ? -1 : 1];
        tables.update();
      } }, one.title)));
    const body = sorted.map((row) => make("tr", { class: row.isDenied || row.isFailing ? "bad" : undefined },
      columns.map((one, index) => {
        const text = one.text ? one.text(row) : String(one.value(row));
        if (index > 0) return make("td", { class: [one.isNumber && "number", one.mark?.(row)].filter(Boolean).join(" ") }, text);
        const kind = name === "edges" ? "edge" : "node";
        return make("th", { scope: "row" }, make("button", { type: "button", class: "link",
          "data-focus": `${name} ${row.id}`, onclick: () => select({ kind, id: row.id }, true) }, text));
      })));
    return make("div", { class: "scroll" }, make("table", {},
      make("caption", {}, caption), make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)));
  },
};

const SECURITY = { "mutual-tls": "mutual TLS", plaintext: "not encrypted", mixed: "partly encrypted" };

const EDGE_COLUMNS = [
  { key: "source", title: "From", value: (edge) => edge.source },
  { key: "destination", title: "To", value: (edge) => edge.destination },
  { key: "protocol", title: "Protocol", value: (edge) => edge.protocol },
  { key: "security", title: "Security", value: (edge) => edge.security,
    text: (edge) => SECURITY[edge.security], mark: (edge) => edge.isPlain && "plain" },
  { key: "rate", title: "Rate", isNumber: true, value: (edge) => edge.rate,
    text: (edge) => `${show.rate(edge.rate)} ${edge.unit === "requests" ? "req" : "conn"}` },
  { key: "errors", title: "Errors", isNumber: true, value: (edge) => edge.errorShare,
    text: (edge) => show.share(edge.errorShare) },
  { key: "p50", title: "p50", isNumber: true, value: (edge) => edge.p50 ?? -1,
    text: (edge) => show.milliseconds(edge.p50) },
  { key: "p99", title: "p99", isNumber: true, value: (edge) => edge.p99 ?? -1,
    text: (edge) => show.milliseconds(edge.p99) },
  { key: "bytes", title: "Bytes/s", isNumber: true,
    value: (edge) => edge.sentPerSecond + edge.receivedPerSecond,
    text: (edge) => show.bytes(edge.sentPerSecond + edge.receivedPerSecond) },
  { key: "denied", title: "Denied", isNumber: true, value: (edge) => edge.deniedPerSecond,
    text: (edge) => (edge.isDenied ? show.rate(edge.deniedPerSecond) : "–"), mark: (edge) => edge.isDenied && "bad" },
  { key: "reason", title: "Last denial", value: (edge) => edge.lastDenial?.reason ?? "" },
];

const NODE_COLUMNS = [
  { key: "name", title: "Workload", value: (node) => node.id },
  { key: "kind", title: "Kind", value: (node) => node.kind },
  { key: "pods", title: "Pods ready", isNumber: true, value: (node) => node.podsReady,
    text: (node) => `${node.podsReady} of ${node.pods}`, mark: (node) => node.podsReady < node.pods && "bad" },
  { key: "mesh", title: "In the mesh", value: (node) => (node.isCaptured ? "yes" : "no"),
    mark: (node) => !node.isCaptured && "plain" },
  { key: "waypoint", title: "Waypoint", value: (node) => node.waypoint ?? "–" },
  { key: "identity", title: "Identity", value: (node) => node.identities.join(" ") },
];
