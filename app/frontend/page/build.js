// Elements of the page. Whatever a file or a name says is text here, never HTML.

export function make(tag, properties = {}, ...children) {
  const el = Object.assign(document.createElement(tag), properties);
  el.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return el;
}

export const button = (words, onclick, properties = {}) => make("button", { type: "button", onclick, ...properties }, words);

// A box to choose from [value, words] pairs.
export function choice(label, options, value, onchoose) {
  const select = make("select", { onchange: () => onchoose(select.value) }, options.map(([each, words]) => make("option", { value: each }, words)));
  select.value = value;
  return make("label", { className: "choice" }, label, select);
}

// A command as it is typed, with a button that copies it.
export function command(words) {
  const copy = button("copy", () => navigator.clipboard?.writeText(words).then(() => (copy.textContent = "copied"), () => getSelection().selectAllChildren(code)));
  const code = make("code", {}, words);
  return make("div", { className: "command" }, code, copy);
}

export const row = (cells, tag = "td") => make("tr", {}, cells.map((cell) => make(tag, {}, cell)));

export function table(headings, rows) {
  return make("div", { className: "wide" }, make("table", {}, headings && make("thead", {}, row(headings, "th")), make("tbody", {}, rows)));
}
