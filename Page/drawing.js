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
