// How a class of views becomes a component of Streamlit.

import { hub } from "./hub.js";

const AGAIN = 200;  // milliseconds until it is looked again whether the server listens

// What hands do while the connection is down is sent when it is up again: Streamlit would drop it.
const unsent = [];
const listens = () => ["CONNECTED", undefined].includes(document.querySelector('[data-testid="stApp"]')?.dataset.testConnectionState);
const sending = (send) => (...words) => {
  unsent.push(() => send(...words));
  if (unsent.length === 1) deliver();
};

function deliver() {
  if (!listens()) return setTimeout(deliver, AGAIN);
  for (const send of unsent.splice(0)) send();
}

// A view that is mounted anew while the keys are at it goes on hearing them.
function keepFocus(root, id) {
  root.addEventListener("focusin", () => { hub.focused = id; });
  root.addEventListener("focusout", () => queueMicrotask(() => { if (root.isConnected && hub.focused === id) hub.focused = null; }));
  if (hub.focused === id && [document.body, null].includes(document.activeElement)) root.focus({ preventScroll: true });
}

// `View` is made with the view's element and its id, and has `update(data, setStateValue, setTriggerValue)`, `draw()`
// where it draws, and `dispose()`; `selector` finds its element in the component's HTML.
export const mounted = (View, selector) => ({ parentElement, data, setStateValue, setTriggerValue }) => {
  const root = parentElement.querySelector(selector);
  const first = !parentElement.__view;
  const held = (parentElement.__view ??= new View(root, data.id));
  if (first) keepFocus(root, data.id);
  held.update(data, sending(setStateValue), sending(setTriggerValue));
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
