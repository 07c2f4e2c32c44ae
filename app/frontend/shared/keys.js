// Keys of a view, the list of them, and what a click elsewhere puts away.

// `view.keyed(event)` returns actions by key; buttons with a `data-key` do the same; `view.keyRows()` is what the list
// says of them: [keys, words] each. Returns what ends the listening.
export function hearKeys(view) {
  const { keys, help } = view.el;
  for (const button of view.root.querySelectorAll("button[data-key]")) button.onclick = (e) => view.keyed(e)[button.dataset.key]();
  help.onclick = () => toggleKeys(view);
  view.root.onkeydown = (e) => {
    const action = e.ctrlKey || e.metaKey ? undefined : view.keyed(e)[e.key];
    const pressed = (e.key === " " || e.key === "Enter") && e.composedPath()[0].tagName === "BUTTON";
    if (!action || pressed) return;
    e.preventDefault();
    e.stopPropagation();  // Streamlit has shortcuts of its own
    action();
  };
  const away = (e) => {
    const path = e.composedPath();
    if (!path.includes(view.root)) view.root.classList.remove("active");  // the wheel scrolls the page again
    if (!path.some((el) => el === keys || el === help)) keys.hidden = true;
  };
  document.addEventListener("pointerdown", away);
  return () => document.removeEventListener("pointerdown", away);
}

export function toggleKeys(view) {
  const { keys } = view.el;
  if (keys.hidden) writeKeys(keys, view.keyRows());
  keys.hidden = !keys.hidden;
}

function writeKeys(el, rows) {
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
