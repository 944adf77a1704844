// The page of Page/, put together by Scripts/build-page. Do not edit.
// swift-format-ignore-file

/// The page that draws the service graph: one file, without outside assets.
enum GraphPage {
  /// Content-Security-Policy: its own style and script, by their hashes.
  static let contentPolicy = "default-src 'none'; script-src 'sha256-8JfcdXQLoSOZSjwp6pffQe1hD1uhWvv8fS6A9mEQTeg='; style-src 'sha256-w1p7pPaMNJiFk/5bdvpr+suZOzsLw+2ij5jfHFh8Bhw='; connect-src 'self'; img-src data:"

  static let html: [UInt8] = Array(###"""
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Apus: service graph</title>
    <link rel="icon" href="data:,">
    <style>
    :root {
      --ground: #f8f8f6; --surface: #ffffff; --block: #f1f1ee; --ink: #1c2024; --quiet: #666d75; --line: #dcdcd6;
      --edge: #9aa3ab; --accent: #2b5fc7; --good: #2e8b57; --bad: #c62f24; --bad-ground: #fdeeec; --plain: #946200;
      --plain-ground: #fcf4e2; --shadow: 0 1px 2px rgb(0 0 0 / .06), 0 4px 16px rgb(0 0 0 / .06);
      color-scheme: light;
    }
    @media (prefers-color-scheme: dark) {
      :root:not([data-theme="light"]) {
        --ground: #111416; --surface: #1a1e21; --block: #15191b; --ink: #e4e7ea; --quiet: #8d969e; --line: #2c3236;
        --edge: #5d676f; --accent: #7aa5f5; --good: #56b886; --bad: #ff7468; --bad-ground: #36201f; --plain: #dba94a;
        --plain-ground: #2e281b; --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 4px 16px rgb(0 0 0 / .3);
        color-scheme: dark;
      }
    }
    :root[data-theme="dark"] {
      --ground: #111416; --surface: #1a1e21; --block: #15191b; --ink: #e4e7ea; --quiet: #8d969e; --line: #2c3236;
      --edge: #5d676f; --accent: #7aa5f5; --good: #56b886; --bad: #ff7468; --bad-ground: #36201f; --plain: #dba94a;
      --plain-ground: #2e281b; --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 4px 16px rgb(0 0 0 / .3);
      color-scheme: dark;
    }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    html, body { height: 100%; margin: 0; }
    body {
      display: flex; flex-direction: column; background: var(--ground); color: var(--ink);
      font: 13px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
      font-variant-numeric: tabular-nums;
    }
    h1, h2, h3, p, dl, dd { margin: 0; }
    button, input, select { font: inherit; color: inherit; }
    :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
    .quiet { color: var(--quiet); }
    .bad { color: var(--bad); }
    .plain { color: var(--plain); }
    .code { font: 11.5px/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace; overflow-wrap: anywhere; }
    .skip { position: absolute; left: -999px; }
    .skip:focus { left: 8px; top: 8px; z-index: 9; background: var(--surface); padding: 8px 12px; }

    .bar {
      display: flex; align-items: center; gap: 8px 20px; flex-wrap: wrap; padding: 8px 16px; min-height: 52px;
      background: var(--surface); border-bottom: 1px solid var(--line);
    }
    .mark { font-size: 15px; font-weight: 650; letter-spacing: -.01em; }
    .mark .quiet { font-weight: 400; font-size: 13px; margin-left: 6px; letter-spacing: 0; }
    .summary { display: flex; gap: 2px 16px; flex-wrap: wrap; flex: 1; color: var(--quiet); }
    .summary .bad, .summary .plain { font-weight: 600; }
    .summary .bad { color: var(--bad); }
    .summary .plain { color: var(--plain); }
    .tools { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; }
    .tools button, .tools select, .search, .zoom button {
      height: 32px; border: 1px solid var(--line); border-radius: 7px; background: var(--surface); padding: 0 11px;
    }
    .tools button:hover, .tools select:hover, .zoom button:hover { border-color: var(--edge); }
    .tools button[aria-pressed="true"] { background: var(--ink); border-color: var(--ink); color: var(--surface); }
    .pair { display: flex; }
    .pair button:first-child { border-radius: 7px 0 0 7px; }
    .pair button:last-child { border-radius: 0 7px 7px 0; margin-left: -1px; }
    #pause { min-width: 72px; }
    .icon { width: 32px; padding: 0 !important; display: inline-grid; place-items: center; font-size: 16px; }
    .icon svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.4; }
    .icon .half { fill: currentColor; stroke: none; }
    .search { display: flex; align-items: center; gap: 7px; padding: 0 9px; }
    .search svg { width: 14px; fill: none; stroke: var(--quiet); stroke-width: 1.5; }
    .search input { border: 0; outline: 0; background: none; width: 104px; }
    .search:focus-within { outline: 2px solid var(--accent); outline-offset: 1px; }
    .notice { padding: 8px 16px; background: var(--bad-ground); color: var(--bad); font-weight: 550; }

    .stage { flex: 1; min-height: 0; display: flex; position: relative; }
    .graph { flex: 1; min-width: 0; position: relative; }
    #canvas { position: absolute; inset: 0; width: 100%; height: 100%; cursor: grab; touch-action: none; outline-offset: -3px; }
    #canvas.dragged { cursor: grabbing; }
    .empty { position: absolute; inset: 40% 0 auto; text-align: center; color: var(--quiet); }
    .zoom { position: absolute; right: 16px; bottom: 16px; display: flex; gap: 6px; }
    .legend {
      position: absolute; left: 16px; bottom: 16px; display: flex; gap: 18px; align-items: center; font-size: 12px;
      color: var(--quiet); background: var(--ground); padding: 4px 10px; border-radius: 7px; pointer-events: none;
    }
    .legend span { display: flex; gap: 7px; align-items: center; }
    .key { width: 22px; border-top: 2px solid var(--edge); }
    .key.plain { border-top: 2px dashed var(--plain); }
    .key.bad { border-color: var(--bad); }

    .group rect { fill: var(--block); stroke: none; }
    .group text {
      fill: var(--quiet); font-weight: 600; font-size: calc(11.5px * var(--small, 1)); dominant-baseline: hanging;
      letter-spacing: .01em;
    }
    .node { cursor: pointer; outline: none; }
    .node rect { fill: var(--surface); stroke: var(--line); stroke-width: 1; }
    .node:hover rect { stroke: var(--edge); }
    .node .name { fill: var(--ink); font-weight: 560; dominant-baseline: central; }
    .node .detail { fill: var(--quiet); font-size: 11px; dominant-baseline: central; }
    .node circle { fill: var(--good); }
    .node.is-some circle { fill: var(--plain); }
    .node.is-bad circle { fill: var(--bad); }
    .node.is-none circle { fill: none; stroke: var(--edge); stroke-width: 1.2; }
    .node.is-bare rect { stroke-dasharray: 4 3; }
    .node.selected rect, .node:focus-visible rect { stroke: var(--accent); stroke-width: calc(2px * var(--small, 1)); }
    .node, .edge, .label { transition: opacity .12s; }
    .node.faded { opacity: .35; }
    .node.aside { opacity: .55; }
    .edge { cursor: pointer; }
    .edge .line { fill: none; stroke: var(--edge); }
    .edge .reach { fill: none; stroke: transparent; stroke-width: 12; }
    .edge.is-plain .line { stroke: var(--plain); }
    .edge.is-dashed .line { stroke-dasharray: 6 4; }
    .edge.is-bad .line { stroke: var(--bad); }
    .edge.is-idle { opacity: .45; }
    .edge.is-hair:not(.is-bad) { opacity: .4; }
    .edge.faded { opacity: .1; }
    .edge.near { opacity: 1; }
    .edge.near.is-good .line { stroke: var(--accent); }
    .edge:hover .line { stroke-width: 3; }
    #tip path { fill: var(--edge); }
    #tip-bad path { fill: var(--bad); }
    #tip-plain path { fill: var(--plain); }
    .label { cursor: pointer; }
    .label rect { fill: var(--surface); stroke: var(--line); }
    .label text { font-size: 11px; fill: var(--ink); dominant-baseline: central; }
    .label .lock { fill: none; stroke: var(--good); stroke-width: 1.2; }
    .label.is-plain .lock, .label.is-bad .lock { stroke: currentColor; }
    .label.is-plain { color: var(--plain); }
    .label.is-plain rect { fill: var(--plain-ground); stroke: transparent; }
    .label.is-plain text { fill: var(--plain); }
    .label.is-bad { color: var(--bad); }
    .label.is-bad rect { fill: var(--bad-ground); stroke: transparent; }
    .label.is-bad text { fill: var(--bad); font-weight: 600; }

    .panel {
      width: 380px; max-width: 100%; overflow-y: auto; background: var(--surface); border-left: 1px solid var(--line);
      padding: 20px 20px 32px; position: relative; outline-offset: -3px;
    }
    .panel:focus, .tables:focus { outline: none; }
    .panel .close { position: absolute; right: 12px; top: 12px; border: 0; background: none; height: 32px; font-size: 20px; color: var(--quiet); }
    .panel .over { color: var(--quiet); font-size: 12px; }
    .panel h2 { font-size: 18px; line-height: 1.3; font-weight: 620; letter-spacing: -.01em; margin: 0 32px 12px 0; overflow-wrap: anywhere; }
    .panel h3 { font-size: 12px; font-weight: 600; color: var(--quiet); margin-bottom: 6px; }
    .panel section { margin-top: 22px; padding-top: 14px; border-top: 1px solid var(--line); }
    .panel dl { display: grid; gap: 5px; margin-top: 12px; }
    .panel dl div { display: flex; justify-content: space-between; gap: 16px; }
    .panel dt { color: var(--quiet); white-space: nowrap; }
    .panel dd { text-align: right; overflow-wrap: anywhere; }
    .problem { background: var(--bad-ground); color: var(--bad); padding: 7px 10px; border-radius: 7px; margin-bottom: 8px; overflow-wrap: anywhere; }
    .item + .item { margin-top: 10px; }
    .item + .code { margin-top: 10px; }
    .item p { overflow-wrap: anywhere; }
    .row {
      display: flex; justify-content: space-between; gap: 12px; width: calc(100% + 16px); margin: 0 -8px; padding: 5px 8px;
      border: 0; border-radius: 6px; background: none; text-align: left; cursor: pointer;
    }
    .row:hover { background: var(--block); }
    .row .number { color: var(--quiet); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
    .row.bad .number { color: var(--bad); }
    .row.plain .number { color: var(--plain); }
    .link { border: 0; background: none; padding: 0; font: inherit; text-align: left; cursor: pointer; border-radius: 3px; }
    .link:hover { color: var(--accent); text-decoration: underline; }
    .verb { font-size: 10.5px; font-weight: 650; letter-spacing: .04em; color: var(--quiet); }
    .verb.deny { color: var(--bad); }
    .verb.allow { color: var(--good); }

    .tables { flex: 1; min-width: 0; overflow: auto; padding: 20px 24px 40px; }
    .scroll + .scroll { margin-top: 36px; }
    table { border-collapse: collapse; width: 100%; }
    caption { text-align: left; font-weight: 600; font-size: 14px; padding-bottom: 8px; }
    thead th { position: sticky; top: -20px; background: var(--ground); z-index: 1; border-bottom: 1px solid var(--line); }
    th, td { text-align: left; padding: 6px 14px 6px 0; font-weight: 400; vertical-align: top; }
    tbody tr { border-bottom: 1px solid var(--line); }
    thead button { border: 0; background: none; padding: 0; color: var(--quiet); font-weight: 600; cursor: pointer; white-space: nowrap; }
    thead [aria-sort] button { color: var(--ink); }
    thead [aria-sort="ascending"] button::after { content: " ↑"; }
    thead [aria-sort="descending"] button::after { content: " ↓"; }
    .number { text-align: right; white-space: nowrap; }
    tr.bad { color: inherit; }

    @media (max-width: 760px) {
      .panel { position: absolute; inset: 0 0 0 auto; box-shadow: var(--shadow); }
      .legend { display: none; }
    }
    @media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
    </style>
    </head>
    <body>
    <a class="skip" href="#table-view">Skip to the table of connections</a>
    <header class="bar">
      <h1 class="mark">Apus <span id="domain" class="quiet"></span></h1>
      <p id="summary" class="summary" role="status" aria-live="off"></p>
      <div class="tools">
        <label class="search">
          <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/></svg>
          <input id="search" type="search" placeholder="Search" aria-label="Search workloads" autocomplete="off"
            spellcheck="false" aria-keyshortcuts="/">
        </label>
        <select id="namespace" aria-label="Namespace"><option value="">All namespaces</option></select>
        <button id="problems" type="button" aria-pressed="false" title="Only what is denied, fails or is not encrypted">
          Problems</button>
        <div class="pair" role="group" aria-label="View">
          <button id="as-graph" type="button" aria-pressed="true">Graph</button>
          <button id="as-table" type="button" aria-pressed="false">Table</button>
        </div>
        <button id="pause" type="button" aria-pressed="false" aria-keyshortcuts="p">Pause</button>
        <button id="theme" type="button" class="icon" aria-label="Light or dark">
          <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="5.5"/><path class="half" d="M8 2.5a5.5 5.5 0 0 1 0 11z"/></svg>
        </button>
      </div>
    </header>
    <p id="notice" class="notice" role="alert" hidden></p>
    <main class="stage">
      <section id="graph-view" class="graph" aria-label="Service graph">
        <svg id="canvas" role="group" tabindex="-1"
          aria-label="Workloads and who calls whom. Arrow keys move between workloads, Enter opens one.">
          <defs>
            <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"
              markerUnits="userSpaceOnUse"><path d="M0 .8 7.5 4 0 7.2z"/></marker>
            <marker id="tip-bad" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" orient="auto"
              markerUnits="userSpaceOnUse"><path d="M0 .8 7.5 4 0 7.2z"/></marker>
            <marker id="tip-plain" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"
              markerUnits="userSpaceOnUse"><path d="M0 .8 7.5 4 0 7.2z"/></marker>
          </defs>
          <g id="world"><g id="groups"></g><g id="edges"></g><g id="nodes"></g><g id="labels"></g></g>
        </svg>
        <p id="empty" class="empty" hidden></p>
        <div class="legend" aria-hidden="true">
          <span><i class="key"></i>mutual TLS</span>
          <span><i class="key plain"></i>not encrypted</span>
          <span><i class="key bad"></i>denied or failing</span>
          <span id="more" class="quiet"></span>
        </div>
        <div class="zoom" role="group" aria-label="Zoom">
          <button id="zoom-in" type="button" class="icon" aria-label="Zoom in" aria-keyshortcuts="+">+</button>
          <button id="zoom-out" type="button" class="icon" aria-label="Zoom out" aria-keyshortcuts="-">&minus;</button>
          <button id="fit" type="button" aria-keyshortcuts="f">Fit</button>
        </div>
      </section>
      <section id="table-view" class="tables" aria-label="Tables" tabindex="-1" hidden></section>
      <aside id="panel" class="panel" aria-label="Details" tabindex="-1" hidden></aside>
    </main>
    <script>
    "use strict";
    // Numbers and times as people read them.

    const show = {
      /** Per second. */
      rate(value) {
        if (!value) return "0/s";
        if (value < 0.1) return "<0.1/s";
        return `${show.count(value)}/s`;
      },

      count(value) {
        if (value >= 1e6) return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)}M`;
        if (value >= 1e4) return `${(value / 1e3).toFixed(value < 1e5 ? 1 : 0)}k`;
        if (value >= 10 || Number.isInteger(value)) return String(Math.round(value));
        return value.toFixed(1);
      },

      milliseconds(value) {
        if (value === undefined) return "–";
        if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
        if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
        if (value >= 10) return `${value.toFixed(0)} ms`;
        return `${value.toFixed(1)} ms`;
      },

      bytes(value) {
        const units = ["B", "kB", "MB", "GB", "TB"];
        let unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
          value /= 1000;
          unit += 1;
        }
        return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
      },

      /** A share from 0 to 1. */
      share(value) {
        if (!value) return "0 %";
        if (value < 0.001) return "<0.1 %";
        return `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
      },

      /** How long until or since, both in seconds since 1970. */
      span(seconds) {
        const size = Math.abs(seconds);
        if (size < 90) return `${Math.round(size)} s`;
        if (size < 5400) return `${Math.round(size / 60)} min`;
        if (size < 172_800) return `${Math.round(size / 3600)} h`;
        return `${Math.round(size / 86_400)} days`;
      },

      ago(time, now) {
        return time > now - 2 ? "now" : `${show.span(now - time)} ago`;
      },

      clock(time) {
        return new Date(time * 1000).toLocaleTimeString();
      },

      plural(count, one, many = `${one}s`) {
        return `${show.count(count)} ${count === 1 ? one : many}`;
      },
    };

    /** An element with attributes, handlers and children; text is never read as HTML. */
    function make(name, attributes = {}, ...children) {
      const element = document.createElement(name);
      for (const [key, value] of Object.entries(attributes)) {
        if (value === undefined || value === false) continue;
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else element.setAttribute(key, value === true ? "" : value);
      }
      element.append(...children.flat().filter((child) => child !== undefined && child !== null));
      return element;
    }

    function makeSVG(name, attributes = {}, ...children) {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      element.append(...children);
      return element;
    }

    /** Sets an attribute only when it changes: the browser then has nothing to do. */
    function set(element, key, value) {
      const text = String(value);
      if (element.getAttribute(key) !== text) element.setAttribute(key, text);
    }

    const byID = (id) => document.getElementById(id);

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

    // Where things stand. Callers stand left of what they call; each namespace is a block. What has once been seen
    // is remembered, so that an edge that comes or goes does not move anything; a node that comes does.

    const SIZES = {
      roomy: { width: 176, height: 48, columnGap: 188, subGap: 28, rowGap: 26, rows: 7, pad: 22, title: 32, gap: 52 },
      dense: { width: 158, height: 22, columnGap: 30, subGap: 30, rowGap: 6, rows: 8, pad: 14, title: 34, gap: 34 },
    };
    /** From so many nodes on everything is drawn smaller. */
    const DENSE_FROM = 40;
    /** Width by height of the whole. */
    const ASPECT = 1.75;

    const layout = {
      /** Every pair that has ever been an edge: "source>destination". */
      pairs: new Map(),
      places: new Map(),
      blocks: [],
      size: SIZES.roomy,
      width: 0,
      height: 0,
      key: "",
      arrangedAt: 0,

      /** True when places have changed. `now` in milliseconds. */
      update(nodes, edges, now) {
        let isNews = false;
        for (const edge of edges) {
          if (layout.pairs.has(edge.id)) continue;
          layout.pairs.set(edge.id, [edge.source, edge.destination]);
          const [from, to] = [layout.places.get(edge.source), layout.places.get(edge.destination)];
          // One that runs from left to right as it stands needs no other order.
          if (!from || !to || from.rank >= to.rank) isNews = true;
        }
        const key = nodes.map((node) => node.id).sort().join("\n");
        const isDue = isNews && now - layout.arrangedAt > 4000;
        if (isNews && !isDue) layout.isStale = true;
        if (key === layout.key && !isDue && !(layout.isStale && now - layout.arrangedAt > 4000)) return false;
        layout.key = key;
        layout.isStale = false;
        layout.arrangedAt = now;
        layout.arrange(nodes);
        return true;
      },

      arrange(nodes) {
        const size = nodes.length > DENSE_FROM ? SIZES.dense : SIZES.roomy;
        const ids = new Set(nodes.map((node) => node.id));
        const pairs = [...layout.pairs.values()].filter(([from, to]) => ids.has(from) && ids.has(to) && from !== to);
        const ranks = rank([...ids].sort(), pairs);
        const connected = new Set(pairs.flat());
        const blocks = new Map();
        for (const node of [...nodes].sort((one, two) => (one.id < two.id ? -1 : 1))) {
          const name = node.namespace;
          if (!blocks.has(name)) blocks.set(name, { name, nodes: [], rank: 0 });
          blocks.get(name).nodes.push(node.id);
        }
        const former = layout.places;
        layout.size = size;
        layout.places = new Map();
        layout.blocks = [...blocks.values()];
        for (const block of layout.blocks) {
          fill(block, ranks, connected, pairs, former, size);
          const known = block.nodes.filter((id) => connected.has(id)).map((id) => ranks.get(id));
          block.rank = known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : 1e3;
        }
        pack(layout.blocks, size);
        for (const block of layout.blocks) {
          for (const [id, place] of block.places) {
            layout.places.set(id, {
              x: block.x + place.x, y: block.y + place.y, width: size.width, height: size.height,
              rank: connected.has(id) ? ranks.get(id) : 0,
            });
          }
        }
        layout.width = Math.max(1, ...layout.blocks.map((block) => block.x + block.width));
        layout.height = Math.max(1, ...layout.blocks.map((block) => block.y + block.height));
      },
    };

    /** The longest way to each node from one that nobody calls; edges that close a circle do not count. */
    function rank(ids, pairs) {
      const next = new Map(ids.map((id) => [id, []]));
      const called = new Map(ids.map((id) => [id, 0]));
      for (const [from, to] of pairs) {
        next.get(from).push(to);
        called.set(to, called.get(to) + 1);
      }
      for (const list of next.values()) list.sort();
      const state = new Map();
      const order = [];
      const forward = new Map(ids.map((id) => [id, []]));
      const visit = (first) => {
        const stack = [[first, 0]];
        state.set(first, 1);
        while (stack.length) {
          const top = stack[stack.length - 1];
          const [id, at] = top;
          if (at === next.get(id).length) {
            state.set(id, 2);
            order.push(id);
            stack.pop();
            continue;
          }
          top[1] += 1;
          const other = next.get(id)[at];
          if (state.get(other) === 1) continue;
          forward.get(id).push(other);
          if (!state.has(other)) {
            state.set(other, 1);
            stack.push([other, 0]);
          }
        }
      };
      const roots = ids.filter((id) => called.get(id) === 0);
      for (const id of [...roots, ...ids]) if (!state.has(id)) visit(id);
      const ranks = new Map(ids.map((id) => [id, 0]));
      for (const id of order.reverse()) {
        for (const other of forward.get(id)) ranks.set(other, Math.max(ranks.get(other), ranks.get(id) + 1));
      }
      return ranks;
    }

    /** Places the nodes of a block, relative to it: columns by rank, and below them those without edges. */
    function fill(block, ranks, connected, pairs, former, size) {
      const inside = new Set(block.nodes);
      const levels = new Map();
      for (const id of block.nodes.filter((one) => connected.has(one))) {
        const level = ranks.get(id);
        if (!levels.has(level)) levels.set(level, []);
        levels.get(level).push(id);
      }
      let columns = [...levels.keys()].sort((one, two) => one - two).map((level) => levels.get(level));
      const before = (id) => former.get(id)?.y ?? Infinity;
      for (const column of columns) {
        column.sort((one, two) => before(one) - before(two) || (one < two ? -1 : 1));
      }
      untangle(columns, pairs.filter(([from, to]) => inside.has(from) && inside.has(to)));
      // Where there are many, no column is left half empty: the order from left to right stays.
      if (size === SIZES.dense) columns = flow(columns.flat(), size.rows);
      block.places = new Map();
      let x = size.pad;
      const step = size.height + size.rowGap;
      const rows = Math.max(0, ...columns.map((column) => Math.min(column.length, size.rows)));
      for (const column of columns) {
        const parts = Math.ceil(column.length / size.rows);
        const most = Math.ceil(column.length / parts);
        column.forEach((id, index) => {
          const part = Math.floor(index / most);
          const count = Math.min(most, column.length - part * most);
          const y = size.title + ((rows - count) / 2 + (index % most)) * step;
          block.places.set(id, { x: x + part * (size.width + size.subGap), y });
        });
        x += parts * (size.width + size.subGap) - size.subGap + size.columnGap;
      }
      const loose = block.nodes.filter((id) => !connected.has(id));
      let width = columns.length ? x - size.columnGap + size.pad : 0;
      const top = size.title + rows * step;
      const fits = Math.floor((width - size.pad * 2 + size.subGap) / (size.width + size.subGap));
      const across = Math.max(1, fits, loose.length > 4 ? Math.ceil(Math.sqrt(loose.length / 2)) : 1);
      loose.forEach((id, index) => {
        block.places.set(id, {
          x: size.pad + (index % across) * (size.width + size.subGap), y: top + Math.floor(index / across) * step,
        });
      });
      const used = Math.min(across, loose.length);
      width = Math.max(width, size.pad * 2 + used * (size.width + size.subGap) - (used ? size.subGap : 0));
      block.width = width;
      block.height = top + Math.ceil(loose.length / across) * step - size.rowGap + size.pad;
    }

    /** The same in columns of equal length. */
    function flow(ids, rows) {
      const count = Math.ceil(ids.length / rows);
      const most = Math.ceil(ids.length / Math.max(1, count));
      return Array.from({ length: count }, (_, index) => ids.slice(index * most, (index + 1) * most));
    }

    /** Moves each node towards the middle of its neighbours, so that fewer edges cross. */
    function untangle(columns, pairs) {
      const neighbours = new Map();
      for (const [from, to] of pairs) {
        for (const [one, other] of [[from, to], [to, from]]) {
          if (!neighbours.has(one)) neighbours.set(one, []);
          neighbours.get(one).push(other);
        }
      }
      for (let sweep = 0; sweep < 8; sweep += 1) {
        const at = new Map();
        for (const column of columns) {
          column.forEach((id, index) => at.set(id, (index + 0.5) / column.length));
        }
        const list = sweep % 2 ? [...columns].reverse() : columns;
        for (const column of list) {
          const middle = (id) => {
            const others = neighbours.get(id);
            return others ? others.reduce((sum, one) => sum + at.get(one), 0) / others.length : at.get(id);
          };
          const wanted = new Map(column.map((id) => [id, middle(id)]));
          column.sort((one, two) => wanted.get(one) - wanted.get(two) || (one < two ? -1 : 1));
          column.forEach((id, index) => at.set(id, (index + 0.5) / column.length));
        }
      }
    }

    /** Puts blocks into columns from left to right, callers first, so that the whole has the shape of a screen. */
    function pack(blocks, size) {
      blocks.sort((one, two) => one.rank - two.rank || (one.name < two.name ? -1 : 1));
      const tallest = Math.max(0, ...blocks.map((block) => block.height));
      const all = blocks.reduce((sum, block) => sum + block.height + size.gap, 0);
      let best = null;
      for (let limit = tallest; limit <= all + 1; limit += Math.max(20, (all - tallest) / 40)) {
        const tried = shelve(blocks, limit, size.gap);
        const miss = Math.abs(Math.log(tried.width / Math.max(1, tried.height) / ASPECT));
        if (!best || miss < best.miss - 1e-9) best = { miss, limit };
      }
      const { places } = shelve(blocks, best ? best.limit : tallest, size.gap);
      blocks.forEach((block, index) => Object.assign(block, places[index]));
    }

    function shelve(blocks, limit, gap) {
      const shelves = [];
      for (const block of blocks) {
        let shelf = shelves[shelves.length - 1];
        if (!shelf || shelf.height + gap + block.height > limit) {
          shelf = { height: -gap, width: 0, blocks: [] };
          shelves.push(shelf);
        }
        shelf.blocks.push(block);
        shelf.height += gap + block.height;
        shelf.width = Math.max(shelf.width, block.width);
      }
      const height = Math.max(0, ...shelves.map((shelf) => shelf.height));
      const places = [];
      let x = 0;
      for (const shelf of shelves) {
        let y = (height - shelf.height) / 2;
        for (const block of shelf.blocks) {
          places.push({ x, y });
          y += block.height + gap;
        }
        x += shelf.width + gap;
      }
      return { places, width: x - gap, height };
    }

    // The graph on the canvas. Elements are kept and changed, never made anew, so that an update costs little and
    // nothing flickers.

    /** Edges drawn in full; the others are hair lines. */
    const FULL_EDGES = 150;
    /** Labels at once: fewer where much is seen from afar. */
    const mostLabels = () => Math.round(12 + 48 * Math.min(1, drawing.view.scale ** 2));

    /** Where on its edge a label may be, best first: parts of the way. */
    const LABEL_PLACES = [0.5, 0.36, 0.64, 0.22, 0.78];

    const drawing = {
      nodes: new Map(),
      edges: new Map(),
      labels: new Map(),
      groups: new Map(),
      view: { x: 0, y: 0, scale: 1 },
      seen: null,
      /** The node that the arrow keys are at. */
      current: null,
      hovered: null,
      isTouched: false,

      start() {
        drawing.canvas = byID("canvas");
        drawing.world = byID("world");
        followPointer();
        new ResizeObserver(() => drawing.isTouched || drawing.fit()).observe(drawing.canvas);
      },

      /** Draws what is visible. */
      update(now) {
        const seen = model.visible();
        drawing.seen = seen;
        const shown = new Set(seen.nodes.map((node) => node.id));
        // Filters hide, they do not move: the layout is of all nodes.
        const hasMoved = layout.update([...model.nodes.values()], [...model.edges.values()], now);
        keep(drawing.groups, layout.blocks.filter((block) => block.nodes.some((id) => shown.has(id))),
          (block) => block.name, newGroup, drawGroup, byID("groups"));
        drawing.calls = countCalls();
        keep(drawing.nodes, seen.nodes, (node) => node.id, newNode, drawNode, byID("nodes"));
        findPorts(seen.edges);
        drawing.hairs = new Set(seen.edges.slice(FULL_EDGES));
        keep(drawing.edges, seen.edges, (edge) => edge.id, newEdge, drawEdge, byID("edges"));
        if (hasMoved && !drawing.isTouched) drawing.fit();
        if (!drawing.current || !drawing.nodes.has(drawing.current)) drawing.current = firstNode();
        drawing.mark();
        drawing.label();
        const hair = Math.max(0, seen.edges.length - FULL_EDGES);
        byID("more").textContent = hair ? `the ${FULL_EDGES} busiest of ${seen.edges.length} in full` : "";
      },

      /** Shows what is selected or pointed at, and its neighbours. */
      mark() {
        const focus = drawing.hovered ?? model.selected;
        const near = new Set();
        if (focus?.kind === "node") {
          near.add(focus.id);
          for (const edge of drawing.seen.edges) {
            if (edge.source === focus.id || edge.destination === focus.id) near.add(edge.source).add(edge.destination);
          }
        } else if (focus?.kind === "edge" && model.edges.has(focus.id)) {
          const edge = model.edges.get(focus.id);
          near.add(edge.source).add(edge.destination);
        }
        const isNear = (edge) =>
          focus?.kind === "node" ? edge.source === focus.id || edge.destination === focus.id : edge.id === focus?.id;
        const isOn = near.size > 0;
        for (const [id, element] of drawing.nodes) {
          element.classList.toggle("faded", isOn && !near.has(id));
          element.classList.toggle("selected", model.selected?.kind === "node" && model.selected.id === id);
          element.classList.toggle("aside", drawing.seen.isFiltered && !drawing.seen.chosen.has(id));
          set(element, "tabindex", id === drawing.current ? 0 : -1);
        }
        for (const [id, element] of drawing.edges) {
          const edge = model.edges.get(id);
          if (!edge) continue;
          element.classList.toggle("faded", isOn && !isNear(edge));
          element.classList.toggle("near", isOn && isNear(edge));
        }
        drawing.focus = isOn ? { isNear } : null;
      },

      // The view

      fit() {
        const { width, height } = drawing.canvas.getBoundingClientRect();
        if (!width || !height || !layout.width) return;
        const pad = 32;
        const scale = Math.min(1.15, (width - pad * 2) / layout.width, (height - pad * 2 - 24) / layout.height);
        drawing.isTouched = false;
        drawing.look({
          scale, x: (width - layout.width * scale) / 2, y: Math.max(pad / 2, (height - 24 - layout.height * scale) / 2),
        });
      },

      look(view) {
        const hasZoomed = view.scale !== drawing.view.scale;
        drawing.view = view;
        drawing.world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
        if (hasZoomed) {
          drawing.canvas.style.setProperty("--small", String(Math.max(1, 1 / view.scale)));
          for (const [id, element] of drawing.nodes) writeName(element, model.nodes.get(id));
        }
        drawing.label();
      },

      /** Zooms so that the point of the canvas stays where it is. */
      zoom(factor, x, y) {
        const box = drawing.canvas.getBoundingClientRect();
        const [atX, atY] = [x ?? box.width / 2, y ?? box.height / 2];
        const { view } = drawing;
        const scale = Math.min(3, Math.max(0.08, view.scale * factor));
        const by = scale / view.scale;
        drawing.isTouched = true;
        drawing.look({ scale, x: atX - (atX - view.x) * by, y: atY - (atY - view.y) * by });
      },

      pan(x, y) {
        drawing.isTouched = true;
        drawing.look({ ...drawing.view, x: drawing.view.x + x, y: drawing.view.y + y });
      },

      /** Brings a node into view. */
      reveal(id) {
        const place = layout.places.get(id);
        if (!place) return;
        const box = drawing.canvas.getBoundingClientRect();
        const { view } = drawing;
        const [x, y] = [view.x + place.x * view.scale, view.y + place.y * view.scale];
        const [width, height] = [place.width * view.scale, place.height * view.scale];
        const pad = 40;
        const moveX = x < pad ? pad - x : x + width > box.width - pad ? box.width - pad - x - width : 0;
        const moveY = y < pad ? pad - y : y + height > box.height - pad ? box.height - pad - y - height : 0;
        if (moveX || moveY) drawing.pan(moveX, moveY);
      },

      // Labels

      /** Labels the edges that matter most, as far as there is room for them. */
      label() {
        if (!drawing.seen) return;
        const { scale } = drawing.view;
        const factor = Math.max(1, 1 / scale);
        const taken = [];
        for (const [id, place] of layout.places) {
          if (drawing.nodes.has(id)) taken.push([place.x, place.y, place.x + place.width, place.y + place.height]);
        }
        for (const block of layout.blocks) {
          taken.push([block.x, block.y, block.x + (block.name.length * 7 + 30) * factor, block.y + 26 * factor]);
        }
        const chosen = [];
        const others = [];
        // One that has a label keeps it against one that is a little busier: labels do not flicker.
        const weight = (edge) => edge.weight * (drawing.labels.has(edge.id) ? 1.5 : 1);
        const candidates = drawing.seen.edges
          .filter((edge) => (drawing.focus ? drawing.focus.isNear(edge) : !edge.isIdle) && edge.source !== edge.destination)
          .sort((one, two) => weight(two) - weight(one));
        const most = mostLabels();
        for (const edge of candidates.slice(0, most * 3)) {
          if (chosen.length >= most) break;
          const curve = curveOf(edge);
          if (!curve) continue;
          const content = scale < 0.8 && !drawing.focus ? farContent(edge) : labelContent(edge);
          const isBad = edge.isDenied || edge.isFailing;
          const width = (content.length * (isBad ? 6.5 : 6.1) + 30) * factor;
          const height = 20 * factor;
          const boxes = LABEL_PLACES.map((at) => {
            const [x, y] = pointOn(curve, at);
            return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
          });
          const isFree = (list) => (box) => !list.some((other) => overlap(box, other));
          // A denial is told even where it covers a workload, though never another label.
          const box = boxes.find(isFree(taken)) ?? (edge.isDenied ? boxes.find(isFree(others)) : undefined);
          if (!box) continue;
          taken.push(box);
          others.push(box);
          chosen.push({ edge, x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, content, factor, width: width / factor });
        }
        keep(drawing.labels, chosen, (one) => one.edge.id, newLabel, drawLabel, byID("labels"));
      },
    };

    /** Makes what is new, draws all, and removes what is gone. */
    function keep(elements, items, keyOf, create, draw, parent) {
      const gone = new Set(elements.keys());
      for (const item of items) {
        const key = keyOf(item);
        gone.delete(key);
        if (!elements.has(key)) {
          const element = create(item);
          elements.set(key, element);
          parent.append(element);
        }
        draw(elements.get(key), item);
      }
      for (const key of gone) {
        elements.get(key).remove();
        elements.delete(key);
      }
    }

    // Namespaces

    function newGroup() {
      return makeSVG("g", { class: "group" }, makeSVG("rect", { rx: 10 }), makeSVG("text"));
    }

    function drawGroup(element, block) {
      const [box, title] = element.children;
      for (const key of ["x", "y", "width", "height"]) set(box, key, block[key]);
      set(title, "x", block.x + layout.size.pad);
      set(title, "y", block.y + 10);
      const text = block.name || "outside";
      if (title.textContent !== text) title.textContent = text;
    }

    // Nodes

    function newNode(node) {
      const element = makeSVG("g", { class: "node", role: "button", "data-id": node.id },
        makeSVG("title"), makeSVG("rect", { rx: 7 }), makeSVG("circle", { r: 3.5 }),
        makeSVG("text", { class: "name" }), makeSVG("text", { class: "detail" }));
      element.addEventListener("click", () => select({ kind: "node", id: node.id }));
      element.addEventListener("pointerenter", () => hover({ kind: "node", id: node.id }));
      element.addEventListener("pointerleave", () => hover(null));
      element.addEventListener("focus", () => {
        drawing.current = node.id;
        drawing.mark();
        drawing.reveal(node.id);
      });
      return element;
    }

    function drawNode(element, node) {
      const place = layout.places.get(node.id);
      if (!place) return;
      const [title, box, dot, name, detail] = element.children;
      const isDense = layout.size === SIZES.dense;
      set(element, "transform", `translate(${place.x} ${place.y})`);
      set(box, "width", place.width);
      set(box, "height", place.height);
      const state = node.kind === "Outside" || !node.pods ? "none"
        : node.podsReady === 0 ? "bad" : node.podsReady < node.pods || node.problems.length ? "some" : "good";
      set(element, "class", element.classList.value.replace(/ is-\w+/g, "") + ` is-${state}${node.isCaptured ? "" : " is-bare"}`);
      set(dot, "cx", isDense ? 9 : 13);
      set(dot, "cy", isDense ? place.height / 2 : 18);
      set(name, "x", isDense ? 17 : 24);
      set(name, "y", isDense ? place.height / 2 : 18);
      set(detail, "x", 24);
      set(detail, "y", 35);
      const line = isDense ? "" : detailOf(node);
      if (detail.textContent !== line) detail.textContent = line;
      writeName(element, node);
      const { callers, calls } = drawing.calls.get(node.id) ?? { callers: 0, calls: 0 };
      const spoken = `${node.name}, ${node.namespace || "outside"}, ${detailOf(node)}, `
        + `calls ${calls}, called by ${callers}`;
      if (title.textContent !== spoken) title.textContent = spoken;
      set(element, "aria-label", spoken);
    }

    function detailOf(node) {
      if (node.kind === "Outside") return "not in the mesh";
      if (!node.pods) return "no pods";
      const parts = [`${node.podsReady}/${node.pods} ${node.pods === 1 ? "pod" : "pods"}`];
      if (!node.isCaptured) parts.push("not in the mesh");
      if (node.waypoint) parts.push("waypoint");
      return parts.join(" · ");
    }

    function countCalls() {
      const counts = new Map([...model.nodes.keys()].map((id) => [id, { callers: 0, calls: 0 }]));
      for (const edge of model.edges.values()) {
        if (counts.has(edge.destination)) counts.get(edge.destination).callers += 1;
        if (counts.has(edge.source)) counts.get(edge.source).calls += 1;
      }
      return counts;
    }

    /** As much of the name as fits at this zoom. */
    function writeName(element, node) {
      if (!node) return;
      const name = element.querySelector(".name");
      const isDense = layout.size === SIZES.dense;
      const size = Math.max(isDense ? 11.5 : 13, (isDense ? 9.5 : 10) / drawing.view.scale);
      name.style.fontSize = `${size}px`;
      const most = Math.max(5, Math.floor((layout.size.width - (isDense ? 21 : 30)) / (size * 0.56)));
      // Names that differ often differ at their ends.
      const tail = Math.floor(most / 3);
      const text = node.name.length > most
        ? `${node.name.slice(0, most - tail - 1)}…${node.name.slice(-tail)}` : node.name;
      if (name.textContent !== text) name.textContent = text;
    }

    // Edges

    function newEdge(edge) {
      const element = makeSVG("g", { class: "edge", "data-id": edge.id },
        makeSVG("title"), makeSVG("path", { class: "reach" }), makeSVG("path", { class: "line" }));
      element.addEventListener("click", () => select({ kind: "edge", id: edge.id }));
      element.addEventListener("pointerenter", () => hover({ kind: "edge", id: edge.id }));
      element.addEventListener("pointerleave", () => hover(null));
      return element;
    }

    function drawEdge(element, edge) {
      const curve = curveOf(edge);
      if (!curve) return;
      const [title, reach, line] = element.children;
      const path = `M${curve[0]} ${curve[1]}C${curve.slice(2).join(" ")}`;
      set(reach, "d", path);
      set(line, "d", path);
      const isHair = drawing.hairs.has(edge);
      const kind = edge.isDenied || edge.isFailing ? "bad" : edge.isPlain ? "plain" : "good";
      const classes = ["edge", `is-${kind}`];
      if (edge.isPlain) classes.push("is-dashed");
      if (edge.isIdle) classes.push("is-idle");
      if (isHair) classes.push("is-hair");
      for (const one of ["faded", "near"]) if (element.classList.contains(one)) classes.push(one);
      set(element, "class", classes.join(" "));
      set(line, "stroke-width", isHair ? 0.8 : (1.1 + Math.min(3.4, Math.log10(1 + edge.rate) * 1.25)).toFixed(2));
      set(line, "marker-end", `url(#${kind === "bad" ? "tip-bad" : kind === "plain" ? "tip-plain" : "tip"})`);
      const spoken = model.sentence(edge);
      if (title.textContent !== spoken) title.textContent = spoken;
    }

    /** Where on a node's side each edge ends: in the order in which the other ends stand, so that they do not cross. */
    function findPorts(edges) {
      const sides = new Map();
      const put = (key, edge, at) => {
        if (!sides.has(key)) sides.set(key, []);
        sides.get(key).push({ edge, at });
      };
      for (const edge of edges) {
        const [from, to] = [layout.places.get(edge.source), layout.places.get(edge.destination)];
        if (!from || !to) continue;
        put(`${edge.source} out`, edge, to.y);
        put(`${edge.destination} in`, edge, from.y);
      }
      drawing.ports = new Map();
      for (const [key, list] of sides) {
        list.sort((one, two) => one.at - two.at || (one.edge.id < two.edge.id ? -1 : 1));
        const reach = layout.size.height * 0.62;
        list.forEach(({ edge }, index) => {
          const step = list.length > 1 ? Math.min(9, reach / (list.length - 1)) : 0;
          drawing.ports.set(`${edge.id} ${key.endsWith("out") ? "out" : "in"}`, (index - (list.length - 1) / 2) * step);
        });
      }
    }

    /** [x, y, x1, y1, x2, y2, x3, y3] of the Bézier curve; null when an end has no place. */
    function curveOf(edge) {
      const [from, to] = [layout.places.get(edge.source), layout.places.get(edge.destination)];
      if (!from || !to) return null;
      const y1 = from.y + from.height / 2 + (drawing.ports.get(`${edge.id} out`) ?? 0);
      const y2 = to.y + to.height / 2 + (drawing.ports.get(`${edge.id} in`) ?? 0);
      const x1 = from.x + from.width;
      if (edge.source === edge.destination) {
        return [x1, y1 - 8, x1 + 60, y1 - 40, x1 + 60, y2 + 40, x1, y2 + 8];
      }
      if (Math.abs(from.x - to.x) < from.width) {
        const bulge = 40 + Math.min(80, Math.abs(y2 - y1) / 3);
        return [x1, y1, x1 + bulge, y1, to.x + to.width + bulge, y2, to.x + to.width, y2];
      }
      if (to.x < from.x) {
        // Back to the left: out on the left, in on the right.
        const reach = Math.max(36, (from.x - to.x - to.width) * 0.45);
        return [from.x, y1, from.x - reach, y1, to.x + to.width + reach, y2, to.x + to.width, y2];
      }
      const reach = Math.max(36, (to.x - x1) * 0.45);
      return [x1, y1, x1 + reach, y1, to.x - reach, y2, to.x, y2];
    }

    function pointOn([ax, ay, bx, by, cx, cy, dx, dy], t) {
      const s = 1 - t;
      const mix = (a, b, c, d) => s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
      return [mix(ax, bx, cx, dx), mix(ay, by, cy, dy)];
    }

    const overlap = (one, two) => one[0] < two[2] && two[0] < one[2] && one[1] < two[3] && two[1] < one[3];

    // Labels

    const LOCK = "M-3 -.5v-2a3 3 0 0 1 6 0v2M-4 -.5h8v5.5h-8z";
    const OPEN_LOCK = "M-3 -.5v-2.4a3 3 0 0 1 5.8 -1M-4 -.5h8v5.5h-8z";

    function labelContent(edge) {
      if (edge.isDenied) {
        const reason = edge.lastDenial ? edge.lastDenial.reason : "by policy";
        const rate = edge.deniedPerSecond > 0 ? ` ${show.rate(edge.deniedPerSecond)}` : "";
        return `denied${rate} · ${reason.length > 34 ? `${reason.slice(0, 33)}…` : reason}`;
      }
      if (edge.rate === 0 && edge.failedPerSecond > 0) return `fails ${show.rate(edge.failedPerSecond)}`;
      const parts = [show.rate(edge.rate)];
      if (edge.rate === 0 && edge.open) parts[0] = `${show.count(edge.open)} open`;
      if (edge.p99 !== undefined && edge.unit === "requests") parts.push(show.milliseconds(edge.p99));
      if (edge.errorShare > 0) parts.push(`${show.share(edge.errorShare)} err`);
      return parts.join(" · ");
    }

    /** What is worth its room from afar. */
    function farContent(edge) {
      if (edge.isDenied) return edge.deniedPerSecond > 0 ? `denied ${show.rate(edge.deniedPerSecond)}` : "denied";
      if (edge.errorShare >= 0.05) return `${show.share(edge.errorShare)} err`;
      return show.rate(edge.rate);
    }

    function newLabel({ edge }) {
      const element = makeSVG("g", { class: "label" }, makeSVG("rect", { rx: 9, height: 18, y: -9 }),
        makeSVG("path", { class: "lock" }), makeSVG("text"));
      element.addEventListener("click", () => select({ kind: "edge", id: edge.id }));
      return element;
    }

    function drawLabel(element, { edge, x, y, content, factor, width }) {
      const [box, lock, text] = element.children;
      const kind = edge.isDenied || edge.isFailing ? "bad" : edge.isPlain ? "plain" : "good";
      set(element, "class", `label is-${kind}`);
      set(element, "transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${factor.toFixed(3)})`);
      set(box, "x", -width / 2);
      set(box, "width", width);
      set(lock, "transform", `translate(${-width / 2 + 12} .5)`);
      set(lock, "d", edge.isPlain ? OPEN_LOCK : LOCK);
      set(text, "x", -width / 2 + 21);
      if (text.textContent !== content) text.textContent = content;
    }

    // Pointer and keys

    function hover(target) {
      drawing.hovered = target;
      drawing.mark();
      drawing.label();
    }

    function firstNode() {
      let best = null;
      for (const id of drawing.nodes.keys()) {
        const place = layout.places.get(id);
        const better = best && layout.places.get(best);
        if (place && (!better || place.x < better.x || (place.x === better.x && place.y < better.y))) best = id;
      }
      return best;
    }

    function followPointer() {
      const { canvas } = drawing;
      let from = null;
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        from = { x: event.clientX, y: event.clientY, id: event.pointerId, hasMoved: false };
      });
      canvas.addEventListener("pointermove", (event) => {
        if (!from || from.id !== event.pointerId) return;
        const [x, y] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.hasMoved && Math.hypot(x, y) < 4) return;
        if (!from.hasMoved) canvas.setPointerCapture(event.pointerId);
        Object.assign(from, { x: event.clientX, y: event.clientY, hasMoved: true });
        canvas.classList.add("dragged");
        drawing.pan(x, y);
      });
      const end = (event) => {
        const wasClick = from && !from.hasMoved && event.type === "pointerup";
        from = null;
        canvas.classList.remove("dragged");
        if (wasClick && event.target === canvas) select(null);
      };
      canvas.addEventListener("pointerup", end);
      canvas.addEventListener("pointercancel", end);
      canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        drawing.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event.clientX - box.x, event.clientY - box.y);
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => {
        const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (way) {
          event.preventDefault();
          if (event.shiftKey) drawing.pan(-way[0] * 60, -way[1] * 60);
          else step(way);
        } else if ((event.key === "Enter" || event.key === " ") && drawing.current) {
          event.preventDefault();
          select({ kind: "node", id: drawing.current }, true);
        }
      });
    }

    /** Moves to the nearest node in that direction. */
    function step([dx, dy]) {
      const here = layout.places.get(drawing.current);
      if (!here) return;
      let best = null;
      for (const id of drawing.nodes.keys()) {
        const place = layout.places.get(id);
        if (!place || id === drawing.current) continue;
        const [x, y] = [place.x - here.x, place.y - here.y];
        const [along, across] = dx ? [x * dx, Math.abs(y)] : [y * dy, Math.abs(x)];
        if (along <= 4) continue;
        const cost = along + across * 2.5;
        if (!best || cost < best.cost) best = { id, cost };
      }
      if (best) drawing.nodes.get(best.id).focus();
    }

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

    // Asks, draws, and listens to who looks.

    /** Between two looks, in milliseconds. */
    const PAUSE = 2000;
    const LONGEST_PAUSE = 15_000;

    const loop = { isPaused: false, failures: 0, timer: 0, turn: 0, cost: 0 };

    async function ask(path) {
      const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(`${path}: status ${answer.status}`);
      return answer.json();
    }

    async function turn() {
      clearTimeout(loop.timer);
      if (!loop.isPaused && !document.hidden) {
        try {
          model.take(await ask("api/graph"));
          loop.failures = 0;
          byID("notice").hidden = true;
          loop.turn += 1;
          draw();
          // Certificates and denials change less often than rates.
          if (model.selected && loop.turn % 2 === 0) panel.fetch();
        } catch (error) {
          loop.failures += 1;
          const since = model.graph ? ` This is how it was at ${show.clock(model.graph.time)}.` : "";
          byID("notice").textContent = `The control plane does not answer.${since}`;
          byID("notice").hidden = false;
        }
      }
      loop.timer = setTimeout(turn, Math.min(LONGEST_PAUSE, PAUSE * 2 ** Math.min(4, loop.failures)));
    }

    /** Draws everything that is shown. */
    function draw() {
      if (!model.graph) return;
      const began = performance.now();
      summarize();
      chooseNamespaces();
      if (byID("graph-view").hidden) tables.update();
      else drawing.update(began);
      panel.draw();
      const { nodes } = model.visible();
      const empty = byID("empty");
      empty.hidden = nodes.length > 0;
      empty.textContent = model.nodes.size ? "Nothing matches." : "No workloads yet.";
      loop.cost = performance.now() - began;
      document.documentElement.dataset.cost = loop.cost.toFixed(1);
      document.documentElement.dataset.turn = String(loop.turn);
    }

    function summarize() {
      const edges = [...model.edges.values()];
      const sum = (list, value) => list.reduce((total, edge) => total + value(edge), 0);
      const requests = edges.filter((edge) => edge.unit === "requests");
      const [rate, opened] = [sum(requests, (edge) => edge.rate), sum(edges, (edge) => edge.rate)];
      const errors = sum(edges, (edge) => edge.rate * edge.errorShare);
      const parts = [show.plural(model.graph.nodes.filter((node) => node.kind !== "Outside").length, "workload")];
      // One of the two: there is room for one number of what flows.
      parts.push(rate ? `${show.count(rate)} requests/s` : `${show.count(opened)} connections/s`);
      parts.push(`${show.share(opened ? errors / opened : 0)} errors`);
      const spans = parts.map((text) => make("span", {}, text));
      const denied = edges.filter((edge) => edge.isDenied).length;
      if (denied) spans.push(make("span", { class: "bad" }, `${denied} denied`));
      const plain = edges.filter((edge) => edge.isPlain).length;
      if (plain) spans.push(make("span", { class: "plain" }, `${plain} not encrypted`));
      byID("summary").replaceChildren(...spans);
      byID("domain").textContent = model.graph.trustDomain;
      document.title = denied ? `(${denied} denied) Apus` : "Apus: service graph";
    }

    function chooseNamespaces() {
      const select = byID("namespace");
      const names = model.namespaces();
      if (names.join() === [...select.options].slice(1).map((option) => option.value).join()) return;
      select.replaceChildren(make("option", { value: "" }, "All namespaces"),
        ...names.map((name) => make("option", { value: name }, name)));
      select.value = model.namespace;
    }

    /** Opens the panel of a node or an edge; with null closes it. `mayFocus`: it was asked for by key. */
    function select(target, mayFocus = false) {
      model.selected = target;
      remember();
      if (!byID("graph-view").hidden && drawing.seen) {
        drawing.mark();
        drawing.label();
      }
      if (target) panel.open(mayFocus);
      else panel.close();
    }

    // What is shown is in the address, so that it can be passed on

    function remember() {
      const words = new URLSearchParams();
      if (model.selected) words.set(model.selected.kind, model.selected.id);
      if (model.namespace) words.set("namespace", model.namespace);
      if (model.query) words.set("search", model.query);
      if (byID("graph-view").hidden) words.set("view", "table");
      history.replaceState(null, "", words.size ? `#${words}` : location.pathname);
    }

    function recall() {
      const words = new URLSearchParams(location.hash.slice(1));
      for (const kind of ["node", "edge"]) if (words.has(kind)) model.selected = { kind, id: words.get(kind) };
      model.namespace = words.get("namespace") ?? "";
      model.query = words.get("search") ?? "";
      byID("search").value = model.query;
      if (words.get("view") === "table") showTable(true);
      if (model.selected) panel.fetch();
    }

    function showTable(isTable) {
      byID("table-view").hidden = !isTable;
      byID("graph-view").hidden = isTable;
      byID("as-table").setAttribute("aria-pressed", String(isTable));
      byID("as-graph").setAttribute("aria-pressed", String(!isTable));
    }

    function pause(isPaused) {
      loop.isPaused = isPaused;
      byID("pause").setAttribute("aria-pressed", String(isPaused));
      byID("pause").textContent = isPaused ? "Paused" : "Pause";
      if (!isPaused) turn();
    }

    // Light and dark: as the system has it, until somebody says otherwise

    function setTheme(theme) {
      if (theme) document.documentElement.dataset.theme = theme;
      try {
        if (theme) localStorage.setItem("theme", theme);
      } catch {
        // A browser that keeps nothing: it lasts as long as the page.
      }
    }

    function storedTheme() {
      try {
        return localStorage.getItem("theme");
      } catch {
        return null;
      }
    }

    function isDark() {
      const chosen = document.documentElement.dataset.theme;
      return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    }

    function listen() {
      byID("search").addEventListener("input", (event) => {
        model.query = event.target.value;
        remember();
        draw();
      });
      byID("namespace").addEventListener("change", (event) => {
        model.namespace = event.target.value;
        remember();
        draw();
      });
      byID("problems").addEventListener("click", (event) => {
        model.onlyProblems = !model.onlyProblems;
        event.currentTarget.setAttribute("aria-pressed", String(model.onlyProblems));
        draw();
      });
      for (const [id, isTable] of [["as-graph", false], ["as-table", true]]) {
        byID(id).addEventListener("click", () => {
          showTable(isTable);
          remember();
          draw();
        });
      }
      document.querySelector(".skip").addEventListener("click", (event) => {
        event.preventDefault();
        showTable(true);
        draw();
        byID("table-view").focus();
      });
      byID("pause").addEventListener("click", () => pause(!loop.isPaused));
      byID("theme").addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));
      byID("zoom-in").addEventListener("click", () => drawing.zoom(1.25));
      byID("zoom-out").addEventListener("click", () => drawing.zoom(0.8));
      byID("fit").addEventListener("click", () => drawing.fit());
      document.addEventListener("visibilitychange", () => document.hidden || turn());
      document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const isTyping = event.target.matches("input, select");
        if (event.key === "Escape") {
          if (isTyping) event.target.blur();
          else select(null);
          return;
        }
        const keys = { "/": () => byID("search").focus(), f: () => drawing.fit(), p: () => pause(!loop.isPaused),
          "+": () => drawing.zoom(1.25), "=": () => drawing.zoom(1.25), "-": () => drawing.zoom(0.8) };
        if (isTyping || !keys[event.key]) return;
        event.preventDefault();
        keys[event.key]();
      });
    }

    setTheme(storedTheme());
    drawing.start();
    listen();
    recall();
    turn();
    </script>
    </body>
    </html>

    """###.utf8)
}
