"use strict";

const KINDS = { ticker: "ticker", sector: "sector", year: "year", regime: "volatility regime", fold: "fold" };
let shownFan = null;

function fillSelect(id, names, titleOf, chosen) {
  byId(id).replaceChildren(...names.map((name) => {
    const option = makeElement("option", titleOf(name));
    option.value = name;
    option.selected = name === chosen;
    return option;
  }));
}

const chosenHorizon = () => Number(byId("horizon").value);

function showFan() {
  const ticker = byId("ticker").value;
  const [from, to] = [byId("from").value, byId("to").value];
  const fan = cutFan(shownFan, from, to);
  drawFan(fan, ticker);
  const told = Object.entries(DATA.bands).sort(([a], [b]) => b - a).map(([name, ends]) => {
    const inside = fan.dates.filter((_, row) => isInside(fan, row, ends)).length;
    return `${name} % band: ${inside} of ${fan.dates.length} prices inside (${percent(inside / fan.dates.length)})`;
  });
  const kept = DATA.fans.days ? ` The page holds the last ${DATA.fans.days} days of each ticker.` : "";
  byId("fan-words").textContent = (fan.dates.length ? `${told.join("; ")}.` : "No forecast between these days.") + kept;
}

function choosePeriod(from, to) {
  byId("from").value = from;
  byId("to").value = to;
  showFan();
}

function showLastYear() {
  const last = shownFan.dates[shownFan.dates.length - 1];
  choosePeriod(isoDay(Date.parse(last) / DAY_MS - 365), last);
}

/** Another ticker or horizon: the chosen period stays where the ticker has forecasts in it. */
function loadFan() {
  shownFan = decodeFan(byId("ticker").value, byId("horizon").value);
  const [first, last] = [shownFan.dates[0], shownFan.dates[shownFan.dates.length - 1]];
  for (const id of ["from", "to"]) [byId(id).min, byId(id).max] = [first, last];
  const hasDays = byId("from").value && cutFan(shownFan, byId("from").value, byId("to").value).dates.length;
  if (hasDays) showFan(); else showLastYear();
}

function showComparison() {
  const [horizon, baseline, kind] = [chosenHorizon(), byId("baseline").value, byId("kind").value];
  const isShown = (row) => row.horizon === horizon && row.baseline === baseline && row.kind === kind;
  drawSlices(FIGURES.slices.filter(isShown));
  const find = (model) => FIGURES.calibration.find((row) => row.horizon === horizon && row.model === model);
  drawCalibration(find(REFERENCE), find(baseline));
}

function showHorizon() {
  const horizon = chosenHorizon();
  showVerdict(horizon);
  showSeeds(horizon);
  drawPit(FIGURES.pit.find((row) => row.horizon === horizon));
  drawCoverage(FIGURES.coverage.filter((row) => row.horizon === horizon));
  showComparison();
  loadFan();
}

function setTheme(isDark) {
  document.documentElement.classList.toggle("dark", isDark);
  byId("theme").textContent = isDark ? "Light" : "Dark";
}

function showHeadline() {
  const { span } = FIGURES;
  byId("title").textContent = `${REFERENCE}: backtest ${span.first_origin} to ${span.last_origin}`;
  byId("headline").textContent = DATA.words.can[0] ?? "No advantage over any other model is proven.";
}

function start() {
  const { span } = FIGURES;
  const preference = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(preference.matches);
  fillSelect("ticker", Object.keys(DATA.fans.tickers), String);
  fillSelect("horizon", span.horizons.map(String), String);
  fillSelect("baseline", span.models.slice(1), (model) => DATA.titles[model], hardestBaseline());
  const kinds = Object.keys(KINDS).filter((kind) => FIGURES.slices.some((row) => row.kind === kind));
  fillSelect("kind", kinds, (kind) => KINDS[kind], "year");
  showHeadline();
  showWords();
  showLineage();
  showHorizon();
  byId("ticker").addEventListener("change", loadFan);
  byId("horizon").addEventListener("change", showHorizon);
  for (const id of ["baseline", "kind"]) byId(id).addEventListener("change", showComparison);
  for (const id of ["from", "to"]) byId(id).addEventListener("change", showFan);
  byId("last-year").addEventListener("click", showLastYear);
  byId("whole").addEventListener("click", () => choosePeriod(shownFan.dates[0], shownFan.dates[shownFan.dates.length - 1]));
  const change = (isDark) => { setTheme(isDark); showHorizon(); };
  byId("theme").addEventListener("click", () => change(!document.documentElement.classList.contains("dark")));
  preference.addEventListener("change", (event) => change(event.matches));
  document.documentElement.dataset.ready = "yes";
}

/** The model against which the skill one horizon ahead is smallest. */
function hardestBaseline() {
  const rows = FIGURES.verdict.filter((row) => row.skill && row.horizon === FIGURES.span.horizons[0]);
  return rows.sort((a, b) => a.skill.skill - b.skill.skill)[0]?.model;
}

start();
