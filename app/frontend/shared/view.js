// How a class of views becomes a component of Streamlit.

// `View` is made with the view's element and its id, and has `update(data, setStateValue, setTriggerValue)`, `draw()`
// where it draws, and `dispose()`; `selector` finds its element in the component's HTML.
export const mounted = (View, selector) => ({ parentElement, data, setStateValue, setTriggerValue }) => {
  const root = parentElement.querySelector(selector);
  const held = (parentElement.__view ??= new View(root, data.id));
  held.update(data, setStateValue, setTriggerValue);
  return () => {
    // Streamlit also cleans up between two updates of the same element: only a removed view is disposed of
    queueMicrotask(() => {
      if (root.isConnected) return;
      held.dispose();
      parentElement.__view = undefined;
    });
  };
};

// Draws a view at the next frame of the screen, however often it is asked before.
export function drawSoon(view) {
  if (view.waiting) return;
  view.waiting = true;
  requestAnimationFrame(() => {
    view.waiting = false;
    if (view.root.isConnected && view.data) view.draw();
  });
}

// Calls a listener when an element has another size; returns what ends that.
export function onResize(el, listener) {
  const observer = new ResizeObserver(listener);
  observer.observe(el);
  return () => observer.disconnect();
}

// The middle of the last few times of something, in milliseconds.
export class Stopwatch {
  times = [];

  lap(milliseconds) {
    this.times.push(milliseconds);
    if (this.times.length > 120) this.times.shift();
    return this.times.toSorted((a, b) => a - b)[this.times.length >> 1];
  }
}
