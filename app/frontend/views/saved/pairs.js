// The pairs that a session has looked at.

import { parameters } from "./links.js";

const namesOf = ({ page, space, zoo, a, b }) => [page, space, zoo, a, b];

// Lists the pairs but the one in view, each as a button that calls `go` with its names; returns how many there are.
export function fillPairs(list, { page, pairs }, go) {
  const now = namesOf({ page, ...parameters() }).join("\n");
  const others = pairs.filter((pair) => namesOf(pair).join("\n") !== now);
  list.replaceChildren(...others.map((pair) => {
    const item = document.createElement("li");
    item.append(placeButton(`${pair.a} → ${pair.b}`, pair.about, () => go(namesOf(pair))));
    return item;
  }));
  return others.length;
}

// A button that leads somewhere: a name, and below it a few words.
export function placeButton(name, about, go) {
  const button = document.createElement("button");
  button.className = "place";
  button.onclick = go;
  const [title, words] = ["b", "i"].map((tag) => document.createElement(tag));
  [title.textContent, words.textContent] = [name, about];
  button.append(title, words);
  return button;
}
