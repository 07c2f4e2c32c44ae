// What the components of a page share: feeds from Python, who listens to them, and what of a view outlives a remount.

export const hub = (window.__netspace ??= { feeds: new Map(), listeners: new Map(), views: new Map(), keyed: new Set() });

// Takes a feed, the bytes that the backend's `feed` makes, for the view that its header names.
export function deliver(bytes) {
  const { header, body } = opened(bytes);
  const feeds = hub.feeds.get(header.view) ?? new Map();
  hub.feeds.set(header.view, feeds);
  const before = feeds.get(header.feed)?.header;
  const same = before && ["path", "of", "version"].every((key) => before[key] === header[key]);
  if (same) return;  // the page was laid out anew
  feeds.set(header.feed, { header, body });
  hub.listeners.get(header.view)?.forEach((listener) => listener());
}

// Its header and its body.
export function opened(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))), body: bytes.subarray(4 + length) };
}

// Calls a listener whenever a feed for a view has arrived; returns what ends that.
export function onFeeds(view, listener) {
  const listeners = hub.listeners.get(view) ?? new Set();
  hub.listeners.set(view, listeners);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Feeds of a view by name.
export const feedsOf = (view) => hub.feeds.get(view) ?? new Map();

// What a view keeps when Streamlit gives its component a new element, as it does whenever it lays the page out anew.
export function keptOf(view, fresh) {
  if (!hub.views.has(view)) hub.views.set(view, fresh);
  return hub.views.get(view);
}

// What was packed by gzip, as a Response.
export const unpacked = (packed) => new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));

// -- components to each other -------------------------------------------------------------------------------------------

// A slider that moved: "netspace-frame", of { id, path, frame, steps }; one that is to move: "netspace-show", of
// { id, frame, rest }; the end that the next picture fills: "netspace-slot", of "a" or "b".
export const say = (name, detail) => window.dispatchEvent(new CustomEvent(`netspace-${name}`, { detail }));

// Calls a listener with what is said; returns what ends that.
export function hear(name, listener) {
  const heard = ({ detail }) => listener(detail);
  window.addEventListener(`netspace-${name}`, heard);
  return () => window.removeEventListener(`netspace-${name}`, heard);
}
