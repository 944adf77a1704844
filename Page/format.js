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
