// Keys of a view, the list of them, and what a click elsewhere puts away.

import { hub } from "./hub.js";

const ANYWHERE = ["?", "ArrowLeft", "ArrowRight"];  // none of them scrolls the page
const KEYLESS = 'body, a, button:not([role]), [data-testid="stMain"]';  // what has no use for them itself

// `view.keyed(event)` returns actions by key; buttons with a `data-key` do the same; `view.keyRows()` is what the list
// says of them: [keys, words] each. Returns what ends the listening.
export function hearKeys(view) {
  const { keys, help } = view.el;
  for (const button of view.root.querySelectorAll("button[data-key]")) button.onclick = (e) => view.keyed(e)[button.dataset.key]();
  help.onclick = () => toggleKeys(view);
  const press = (e) => {
    const action = e.ctrlKey || e.metaKey ? undefined : view.keyed(e)[e.key];
    const pressed = (e.key === " " || e.key === "Enter") && e.composedPath()[0].tagName === "BUTTON";
    if (!action || pressed) return;
    e.preventDefault();
    e.stopPropagation();  // Streamlit has shortcuts of its own
    action();
  };
  const anywhere = (e) => {
    if (!ANYWHERE.includes(e.key) || !isKeyless(document.activeElement) || firstOfPage() !== view) return;
    view.root.focus({ preventScroll: true });
    press(e);
  };
  view.root.onkeydown = press;
  const away = (e) => {
    const path = e.composedPath();
    if (!path.includes(view.root)) view.root.classList.remove("active");  // the wheel scrolls the page again
    if (!path.some((el) => el === keys || el === help)) keys.hidden = true;
  };
  document.addEventListener("pointerdown", away);
  document.addEventListener("keydown", anywhere);
  hub.keyed.add(view);
  return () => {
    document.removeEventListener("pointerdown", away);
    document.removeEventListener("keydown", anywhere);
    hub.keyed.delete(view);
  };
}

function isKeyless(el) {
  return !el || (el.matches(KEYLESS) && !el.closest('[role="dialog"], [data-baseweb="popover"]'));
}

// The view that keys go to where nothing else has a use for them: the highest of the page that hears any.
export function firstOfPage() {
  const top = ({ root }) => root.getBoundingClientRect().top;
  const hearing = [...hub.keyed].filter(({ root, data }) => root.isConnected && root.offsetParent && data && !data.hero && !data.still);
  return hearing.toSorted((a, b) => top(a) - top(b))[0];
}

export function toggleKeys(view) {
  const { keys } = view.el;
  if (keys.hidden) writeKeys(keys, view.keyRows());
  keys.hidden = !keys.hidden;
}

export function writeKeys(el, rows) {
  const title = document.createElement("b");
  title.textContent = "Keys";
  el.replaceChildren(title, ...rows.flatMap(([keys, words]) => {
    const [left, right] = ["span", "span"].map((tag) => document.createElement(tag));
    left.append(...[keys].flat().flatMap((key) => [keycap(key), " "]));
    right.textContent = words;
    return [left, right];
  }));
}

function keycap(key) {  // "drag, wheel" are no keys
  if (key.includes(" ")) return key;
  const el = document.createElement("kbd");
  el.textContent = key;
  return el;
}
