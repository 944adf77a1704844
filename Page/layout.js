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
