"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const FIGURES = DATA.figures;
const REFERENCE = FIGURES.reference;
const MEDIAN = DATA.levels.indexOf(0.5);
const DAY_MS = 86400000;

function decodeArray(text, Type) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Type(bytes.buffer);
}

const isoDay = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Forecasts of one ticker and horizon, in order of time: their dates, prices of each quantile, prices that came. */
function decodeFan(ticker, horizon) {
  const packed = DATA.fans.tickers[ticker];
  const origins = decodeArray(packed.origins, Int32Array);
  const closes = decodeArray(packed.closes, Float32Array);
  const cells = decodeArray(packed.horizons[horizon], Int16Array);
  const levels = DATA.levels.length;
  const fan = { dates: [], came: [], quantiles: DATA.levels.map(() => []) };
  for (let row = 0; row < origins.length; row++) {
    const at = row * (levels + 2);
    if (cells[at] === DATA.fans.missing) continue;
    const price = (index) => closes[row] * Math.exp(cells[at + index] * DATA.fans.unit);
    fan.dates.push(isoDay(origins[row] + cells[at + levels + 1]));
    fan.came.push(price(levels));
    fan.quantiles.forEach((prices, level) => prices.push(price(level)));
  }
  return fan;
}

/** The part of a fan between two days, YYYY-MM-DD, both included; an empty one leaves that side open. */
function cutFan(fan, from, to) {
  const rows = [...fan.dates.keys()].filter((row) => (!from || fan.dates[row] >= from) && (!to || fan.dates[row] <= to));
  const take = (values) => rows.map((row) => values[row]);
  return { dates: take(fan.dates), came: take(fan.came), quantiles: fan.quantiles.map(take) };
}

const isInside = (fan, row, [low, high]) =>
  fan.quantiles[low][row] <= fan.came[row] && fan.came[row] <= fan.quantiles[high][row];
