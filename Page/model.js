// What is known of the mesh, and what of it is to be seen.

const model = {
  /** The document of /api/graph; null before the first. */
  graph: null,
  nodes: new Map(),
  edges: new Map(),
  query: "",
  namespace: "",
  onlyProblems: false,
  /** {kind: "node" or "edge", id}, or null. */
  selected: null,

  take(graph) {
    model.graph = graph;
    model.nodes = new Map(graph.nodes.map((node) => [node.id, node]));
    model.edges = new Map(graph.edges.map((edge) => [edge.id, edge]));
    for (const edge of graph.edges) Object.assign(edge, model.judge(edge, graph.time));
  },

  /** An edge stays red for a minute after its last denial: who looks away for a moment shall see it. */
  denialMemory: 60,

  judge(edge, now) {
    const denial = edge.lastDenial;
    const isDenied = edge.deniedPerSecond > 0 || (denial && now - denial.time < model.denialMemory);
    const isFailing = edge.failedPerSecond > 0 || edge.errorShare >= 0.05;
    const isPlain = edge.security !== "mutual-tls";
    const isIdle = edge.rate === 0 && !isDenied && !isFailing && edge.open === 0;
    // Trouble first, then what carries most.
    const weight =
      (isDenied ? 1e9 : 0) + (isFailing ? 1e8 : 0) + edge.rate * 1e3
      + edge.sentPerSecond + edge.receivedPerSecond + edge.open;
    return { isDenied: Boolean(isDenied), isFailing, isPlain, isIdle, weight };
  },

  namespaces() {
    return [...new Set(model.graph.nodes.map((node) => node.namespace))].filter(Boolean).sort();
  },

  /** The nodes and edges that the filters leave. */
  visible() {
    const query = model.query.trim().toLowerCase();
    const matches = (node) =>
      (!model.namespace || node.namespace === model.namespace)
      && (!query || node.id.toLowerCase().includes(query)
        || node.services.some((name) => name.toLowerCase().includes(query))
        || node.identities.some((name) => name.toLowerCase().includes(query)));
    const isFiltered = Boolean(query || model.namespace);
    const chosen = new Set([...model.nodes.values()].filter(matches).map((node) => node.id));
    let edges = [...model.edges.values()];
    if (model.onlyProblems) edges = edges.filter((edge) => edge.isDenied || edge.isFailing || edge.isPlain);
    // Neighbours of what was searched for are shown with it: an edge has two ends.
    if (isFiltered) edges = edges.filter((edge) => chosen.has(edge.source) || chosen.has(edge.destination));
    const ids = new Set(model.onlyProblems ? [] : chosen);
    for (const edge of edges) ids.add(edge.source).add(edge.destination);
    if (model.onlyProblems) {
      for (const id of chosen) {
        const node = model.nodes.get(id);
        if (node.problems.length || node.podsReady < node.pods) ids.add(id);
      }
    }
    edges.sort((one, two) => two.weight - one.weight || (one.id < two.id ? -1 : 1));
    return { nodes: [...ids].map((id) => model.nodes.get(id)).filter(Boolean), edges, chosen, isFiltered };
  },

  edgesOf(id) {
    const all = [...model.edges.values()].sort((one, two) => two.weight - one.weight);
    return {
      callers: all.filter((edge) => edge.destination === id),
      calls: all.filter((edge) => edge.source === id),
    };
  },

  name(id) {
    const node = model.nodes.get(id);
    return node ? node.name : id;
  },

  /** One sentence, for labels that are read aloud. */
  sentence(edge) {
    const parts = [`${model.name(edge.source)} calls ${model.name(edge.destination)}`];
    parts.push(`${show.rate(edge.rate)} ${edge.unit}`);
    if (edge.errorShare) parts.push(`${show.share(edge.errorShare)} errors`);
    if (edge.p99 !== undefined) parts.push(`p99 ${show.milliseconds(edge.p99)}`);
    parts.push({ "mutual-tls": "mutual TLS", plaintext: "not encrypted", mixed: "partly not encrypted" }[edge.security]);
    if (edge.isDenied) parts.push(`denied: ${edge.lastDenial ? edge.lastDenial.reason : "by policy"}`);
    return parts.join(", ");
  },
};
