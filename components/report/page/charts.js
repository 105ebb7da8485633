"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const CONFIG = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
/** Plotly reads a few tags in text, such as links; names out of the data must stay text. */
const asText = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function makeLayout(more) {
  const axis = { gridcolor: colour("line"), zerolinecolor: colour("faint"), automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("text"), family: "system-ui, sans-serif" },
    margin: { l: 50, r: 10, t: 30, b: 40 },
    legend: { orientation: "h", y: -0.22 },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("faint"), activecolor: colour("accent") },
    hovermode: "x unified",
    hoverlabel: { bgcolor: colour("page") },
    ...more,
    xaxis: { ...axis, ...more.xaxis },
    yaxis: { ...axis, ...more.yaxis },
  };
}

const draw = (id, traces, layout) => Plotly.react(id, traces, makeLayout(layout), CONFIG);

function drawFan(fan, ticker) {
  const x = fan.dates;
  const line = (y, more) => ({ x, y, type: "scatter", mode: "lines", ...more });
  const traces = [];
  for (const [percent, [low, high]] of Object.entries(DATA.bands).sort(([a], [b]) => b - a)) {
    const fill = { line: { width: 0 }, hovertemplate: "%{y:.2f}" };
    traces.push(line(fan.quantiles[low], { ...fill, showlegend: false, name: `${percent} % from` }));
    const fillcolor = colour(`band-${percent}`);
    traces.push(line(fan.quantiles[high], { ...fill, fill: "tonexty", fillcolor, name: `${percent} % band` }));
  }
  const median = { name: "median", line: { color: colour("accent"), width: 1 }, hovertemplate: "%{y:.2f}" };
  traces.push(line(fan.quantiles[MEDIAN], median));
  traces.push(line(fan.came, { name: "price that came", line: { color: colour("close"), width: 1.5 }, hovertemplate: "%{y:.2f}" }));
  const missed = [...x.keys()].filter((row) => !isInside(fan, row, DATA.bands["90"]));
  traces.push({
    x: missed.map((row) => x[row]), y: missed.map((row) => fan.came[row]), type: "scatter", mode: "markers",
    name: "outside the 90 % band", marker: { color: colour("missed"), size: 6 }, hoverinfo: "skip",
  });
  draw("fan", traces, { title: { text: asText(ticker) }, yaxis: { title: { text: "price" } } });
}

function drawSlices(rows) {
  const isTime = rows.length && (rows[0].kind === "year" || rows[0].kind === "fold");
  const sorted = isTime ? rows : [...rows].sort((a, b) => b.skill.skill - a.skill.skill);
  const y = sorted.map((row) => row.skill.skill);
  const width = (row, end) => (row.skill[end] === null ? 0 : Math.abs(row.skill[end] - row.skill.skill));
  const names = sorted.map((row) => asText(row.name));
  const trace = {
    x: names, y, type: "scatter", mode: "markers",
    marker: { size: 9, color: y.map((skill) => colour(skill < 0 ? "missed" : "accent")) },
    error_y: {
      type: "data", symmetric: false, color: colour("faint"),
      array: sorted.map((row) => width(row, "high")), arrayminus: sorted.map((row) => width(row, "low")),
    },
    customdata: sorted.map((row) => [row.coverage_90, row.skill.num_forecasts]),
    hovertemplate: "%{y:+.2%}; 90 % band held %{customdata[0]:.1%} of %{customdata[1]:,}<extra></extra>",
  };
  draw("slices", [trace], {
    xaxis: { type: "category" }, yaxis: { tickformat: "+.1%", title: { text: "skill" }, zerolinewidth: 2 },
  });
}

function drawCalibration(own, other) {
  const of = (row, name) => ({
    x: row.levels, y: row.shares, type: "scatter", mode: "lines+markers", name: DATA.titles[row.model],
    line: { color: colour(name) }, hovertemplate: "%{y:.1%}",
  });
  const diagonal = {
    x: [0, 1], y: [0, 1], type: "scatter", mode: "lines", name: "the truth", hoverinfo: "skip",
    line: { color: colour("faint"), dash: "dash", width: 1 },
  };
  draw("calibration", [diagonal, ...[own && of(own, "accent"), other && of(other, "other")].filter(Boolean)], {
    xaxis: { range: [0, 1], tickformat: ".0%", title: { text: "quantile" } },
    yaxis: { range: [0, 1], tickformat: ".0%", title: { text: "share of prices below" } },
  });
}

function drawPit(row) {
  const percent = (edge) => `${Math.round(100 * edge)}`;
  const x = row.shares.map((_, bin) => `${percent(row.edges[bin])} to ${percent(row.edges[bin + 1])} %`);
  const bar = (y, name, shade) => ({ x, y, name, type: "bar", marker: { color: shade }, hovertemplate: "%{y:.1%}" });
  draw("pit", [bar(row.shares, "came", colour("accent")), bar(row.expected, "should", colour("line"))], {
    barmode: "group", yaxis: { tickformat: ".0%" }, xaxis: { type: "category" },
  });
}

function drawCoverage(rows) {
  const x = rows.map((row) => row.first_day);
  const traces = Object.keys(DATA.bands).flatMap((percent) => {
    const line = { color: colour({ 90: "accent", 80: "other", 50: "missed" }[percent]) };
    const shares = rows.map((row) => row.shares[percent]);
    return [
      { x, y: shares, type: "scatter", mode: "lines", name: `${percent} % band`, line, hovertemplate: "%{y:.1%}" },
      {
        x: [x[0], x[x.length - 1]], y: [percent / 100, percent / 100], type: "scatter", mode: "lines",
        line: { ...line, dash: "dash", width: 1 }, showlegend: false, hoverinfo: "skip",
      },
    ];
  });
  draw("coverage", traces, { yaxis: { tickformat: ".0%", range: [0, 1] } });
}
