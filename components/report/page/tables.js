"use strict";

const byId = (id) => document.getElementById(id);
const percent = (share, digits = 1) => (share === null ? "no figure" : `${(100 * share).toFixed(digits)} %`);
const signed = (share) => (share === null ? "no figure" : `${share >= 0 ? "+" : ""}${percent(share, 2)}`);
const number = (value, digits) => (value === null ? "no figure" : value.toFixed(digits));

function makeElement(tag, text, className) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Fills a table; a cell is text, or {text, className}. */
function fillTable(id, header, rows) {
  const head = document.createElement("thead");
  const titles = document.createElement("tr");
  for (const title of header) {
    const cell = makeElement("th", title);
    cell.scope = "col";
    titles.append(cell);
  }
  head.append(titles);
  const body = document.createElement("tbody");
  for (const row of rows) {
    const line = document.createElement("tr");
    line.append(...row.map((cell) => makeElement("td", cell.text ?? cell, cell.className)));
    body.append(line);
  }
  byId(id).replaceChildren(head, body);
}

const fillList = (id, sentences) => byId(id).replaceChildren(...sentences.map((text) => makeElement("li", text)));

function skillCells(skill) {
  if (!skill) return ["", "", ""];
  const className = skill.skill < 0 ? "worse" : "";
  return [{ text: signed(skill.skill), className }, `${signed(skill.low)} to ${signed(skill.high)}`, number(skill.t, 1)];
}

function showVerdict(horizon) {
  const header = ["model", "skill against it", "95 % interval", "t", "pinball loss x 1,000", "CRPS x 1,000", "90 % band",
    "80 % band", "50 % band", "MASE", "direction", "always up", "R2 of the price", "R2 of the last price"];
  const rows = FIGURES.verdict.filter((row) => row.horizon === horizon);
  fillTable("verdict", header, rows.map((row) => [
    DATA.titles[row.model], ...skillCells(row.skill), number(1000 * row.pinball, 3), number(1000 * row.crps, 3),
    ...row.bands.map((band) => percent(band.share)), number(row.mase, 3), percent(row.direction), percent(row.always_up),
    number(row.r2_price, 4), number(row.r2_persistence, 4),
  ]));
}

function showSeeds(horizon) {
  byId("seeds-section").hidden = FIGURES.span.seeds.length < 2;
  const rows = FIGURES.seeds.filter((row) => row.horizon === horizon);
  fillTable("seeds", ["seed", "against", "skill", "95 % interval", "t"],
    rows.map((row) => [String(row.seed), DATA.titles[row.baseline], ...skillCells(row.skill)]));
}

function showWords() {
  for (const [id, sentences] of Object.entries(DATA.words)) fillList(id, sentences);
}

/** One line a leaf: {train: {steps: 5}} becomes `train.steps`, 5. */
function listLeaves(value, name = "") {
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return [[name, Array.isArray(value) ? value.join(", ") : String(value)]];
  }
  return Object.entries(value).flatMap(([key, part]) => listLeaves(part, name ? `${name}.${key}` : key));
}

function showLineage() {
  fillTable("folds", ["fold", "first day", "last day", "forecasts", "crises"], FIGURES.span.folds.map((fold) => [
    fold.name, fold.first_origin, fold.last_origin, fold.num_forecasts.toLocaleString("en"),
    { text: fold.crises.join(", "), className: "prose" },
  ]));
  fillTable("lineage", ["made from", ""],
    listLeaves(DATA.lineage).map(([name, text]) => [name, { text, className: "prose" }]));
}
