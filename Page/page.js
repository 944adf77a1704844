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
