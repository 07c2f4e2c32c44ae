const hub = (window.__netspace ??= { feeds: new Map(), listeners: new Map(), views: new Map() });

// Calls a listener whenever a feed for a view has arrived; returns what ends that.
function onFeeds(view, listener) {
  const listeners = hub.listeners.get(view) ?? new Set();
  hub.listeners.set(view, listeners);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Draws a view at the next frame of the screen, however often it is asked before.
function drawSoon(view) {
  if (view.waiting) return;
  view.waiting = true;
  requestAnimationFrame(() => {
    view.waiting = false;
    if (view.root.isConnected && view.data) view.draw();
  });
}
