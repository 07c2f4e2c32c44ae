// How what a bundle shows was made: commands, settings, versions, and hashes of the content.

import { command, make, row, table } from "./build.js";

export class Making {
  constructor(page, made) {
    this.made = made;
    this.paths = page.paths?.paths ?? [];
    this.el = make("section", { className: "making" });
  }

  link() {
    return { tab: "made" };
  }

  follow() {
    return "";
  }

  show() {
    const { command: words, versions, sources, methods, map, steps } = this.made;
    this.el.replaceChildren(...[
      ...(words ? [make("h2", {}, "This file"), command(words)] : []),
      make("h2", {}, "Versions"), table(null, Object.entries(versions).map((pair) => row(pair))),
      ...sources.flatMap((source) => this.source(source)),
      ...(this.paths.length ? [make("h2", {}, "Paths"), make("p", {}, `${steps} networks along each path, both ends included.`)] : []),
      ...(this.paths.length ? [table(["method", "how it goes", "ends", "between"], methods.map((m) => row([m.title, m.words, m.ends, m.between])))] : []),
      ...(map ? [make("h2", {}, "Map"), make("p", {}, map.note), command(map.command)] : []),
    ]);
  }

  source({ kind, title, note, content, settings, command: words, card }) {
    const rows = [["folder", title], ["what it is", note], ["content hash", content], ...Object.entries(settings)];
    return [
      make("h2", {}, `${kind === "space" ? "Space" : "Zoo"}: ${title}`), words && command(words), table(null, rows.map((cells) => row(cells))),
      card && make("details", {}, make("summary", {}, `Card of the ${kind}`), make("pre", {}, card)),
    ].filter(Boolean);
  }

  hide() {}

  again() {}
}
