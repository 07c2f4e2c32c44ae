// The table of runs: their scores where they start, now and at their best, on validation and on test data.

import { stroke } from "../../shared/marks.js";
import { escaped, many, number } from "../../shared/words.js";

const cell = (v, under = "") => `<td><b>${number(v)}</b>${under ? `<i>${escaped(under)}</i>` : ""}</td>`;

// narrow: whether it stands beside the board, with less room;  colourOf: of a run.
export function numbersHtml({ runs, reference, measured, asked, originals }, narrow, colourOf) {
  if (!runs.length) return "";
  const sure = runs.some((run) => run.sure.some((v) => v !== null));
  const columns = { measured, asked, originals, narrow, sure };
  const rows = runs.map((run, k) => rowHtml(run, columns, colourOf(run), runs.length > 1 ? `${k + 1} ` : ""));
  if (reference) rows.push(referenceHtml(reference, columns));
  return `<table>${groupsHtml(Math.max(...runs.map(({ count }) => count)), columns)}<tr>${titlesHtml(columns)}</tr>${rows.join("")}</table>`;
}

function titlesHtml({ measured, asked, originals, narrow, sure }) {
  const head = [
    ["run", "A run's name and state; its line on the map and in the curves"],
    ["start", `Of the network decoded where the run starts: ${measured} on validation ${asked}`],
    ["now", "The same of the last step that was measured"], ["best", "The same of the best step; by this, and nothing else, the best is selected"],
    ...(narrow ? [] : [["distance", "Distance of the embedding from where it started, at the last step"]]),
    ...(sure ? [["architecture", "Predicted for the embedding of the last step, and with what probability"]] : []),
    ["start", "Of the network decoded where it starts, on test data, measured once at the end"],
    ["best", "Of the best network, on test data that nothing was selected by, measured once at the end"],
    ...(originals ? [["original", "Of the network itself from whose embedding it starts, before encoding"]] : []),
  ];
  return head.map(([name, help]) => `<th title="${escaped(help)}"><span>${name}</span></th>`).join("");
}

function groupsHtml(count, { measured, asked, originals, narrow, sure }) {
  const between = narrow && !sure ? "" : `<th colspan="${!narrow + sure}"></th>`;
  return `<tr><th></th><th class="group" colspan="3"><span>${measured} on validation ${asked}</span></th>${between}<th class="group" colspan="${originals ? 3 : 2}"><span>on test ${asked}${count ? `, n = ${many(count)}` : ""}</span></th></tr>`;
}

function rowHtml(run, { originals, narrow, sure }, colour, rank) {
  const last = run.at.length - 1, { best } = run;
  const far = run.at[last] === undefined ? "" : ` · step ${run.at[last]}${run.steps ? ` of ${run.steps}` : ""}`;
  const tests = ["start", "best", ...(originals ? ["original"] : [])].map((key) => testHtml(run.tests[key]));
  return `<tr><td title="${escaped(run.details)}"><span class="run">${stroke(colour, run.style.dash, 30)}<span>${rank}${escaped(run.title)}</span></span><i>${escaped(run.words + far)}</i></td>`
    + cell(run.scores[0]) + cell(run.scores[last]) + cell(best === null ? null : run.scores[best], best === null ? "" : `step ${run.at[best]}`)
    + (narrow ? "" : `<td>${number(run.moved[last], 2)}</td>`) + (sure ? `<td>${escaped(run.architectures[last] ?? "–")}<i>${run.sure[last] === null ? "" : number(run.sure[last], 2)}</i></td>` : "")
    + `${tests.join("")}</tr>`;
}

function testHtml(found) {
  if (!found) return "<td>–</td>";
  return cell(found.value, found.low === undefined ? "" : `${number(found.low)}–${number(found.high)}`);
}

function referenceHtml({ name, validation, test }, { narrow, sure }) {
  return `<tr title="The zoo's network of the highest validation accuracy, as the zoo records it"><td><span class="run"><svg></svg><span>${escaped(name)}</span></span><i>best of the zoo on validation images</i></td><td></td><td></td>${cell(validation)}${narrow ? "" : "<td></td>"}${sure ? "<td></td>" : ""}<td></td>${cell(test)}<td></td></tr>`;
}
