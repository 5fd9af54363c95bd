"use strict";
// What the page does when touched: filter, sort and open runs; choose a theme. Text goes in as text, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const records = new Map(data.runs.map((run) => [run.identity, run]));
const table = document.getElementById("run-table");
const rows = [...table.tBodies[0].rows];

// el("td", {class: "number"}, "text", another) -> the element
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Sorting -----------------------------------------------------------------------------------------

const heads = [...table.tHead.rows[0].cells];

heads.forEach((head, column) => {
  const button = el("button", { type: "button" }, head.textContent);
  head.replaceChildren(button);
  button.addEventListener("click", () => sort(head, column));
});

function sort(head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  heads.forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const numeric = head.classList.contains("number");
  const value = (row) => row.cells[column].textContent;
  const order = (one, other) => numeric ? value(one) - value(other) : value(one).localeCompare(value(other), "en", { numeric: true });
  const known = rows.filter((row) => value(row) !== "").sort((one, other) => (down ? -1 : 1) * order(one, other));
  const unknown = rows.filter((row) => value(row) === "");
  for (const row of [...known, ...unknown]) {  // what has no value stands last either way
    const record = row.nextElementSibling?.classList.contains("record") ? row.nextElementSibling : null;
    table.tBodies[0].append(row, ...(record ? [record] : []));
  }
}

// Filtering ---------------------------------------------------------------------------------------

const form = document.getElementById("filters");
const columns = Object.fromEntries(heads.map((head, column) => [head.dataset.key, column]));
form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());

function filter() {
  const asked = Object.fromEntries(new FormData(form));
  const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = Object.entries(asked).filter(([key, value]) => key !== "text" && value !== "*");
  let count = 0;
  for (const row of rows) {
    const text = `${[...row.cells].map((cell) => cell.textContent).join(" ")} ${row.dataset.places}`.toLowerCase();
    const fits = words.every((word) => text.includes(word))
      && chosen.every(([key, value]) => row.cells[columns[key]].textContent === value);
    row.hidden = !fits;
    if (row.nextElementSibling?.classList.contains("record")) row.nextElementSibling.hidden = !fits;
    count += fits;
  }
  form.querySelector("output").textContent = count === rows.length ? `${count} runs` : `${count} of ${rows.length} runs`;
}
filter();

// One run -----------------------------------------------------------------------------------------

for (const row of rows) {
  const head = row.cells[0];
  const button = el("button", { type: "button", "aria-expanded": "false" }, head.textContent);
  head.replaceChildren(button);
  button.addEventListener("click", () => toggle(row));
}

function toggle(row) {
  const button = row.cells[0].firstChild;
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) return row.nextElementSibling.remove();
  const cell = el("td", { colspan: heads.length }, body(whole(records.get(row.id.slice("run-".length))), row.dataset.places));
  row.after(el("tr", { class: "record" }, cell));
}

// The record with what it shares with others put back.
function whole(run) {
  const record = { ...run };
  for (const key of data.pooled) record[key] = data.pool[run[key]];
  return record;
}

function body(record, places) {
  const { config, metrics, parameters, seconds, selected, history } = record;
  const facts = {
    "rows of the paper": places || "none",
    backbone: `${record.backbone.path}${config.backbone.random ? ", random weights" : ""}`,
    parameters: `${parameters.trained.toLocaleString("en")} trained, ${parameters.stored.toLocaleString("en")} stored, ${parameters.percent.toPrecision(3)}% of ${parameters.backbone.toLocaleString("en")}`,
    selected: selected.step ? `step ${selected.step}, ${selected.metric} ${selected.value} on dev` : "the untuned model",
    time: Object.entries(seconds).map(([phase, s]) => `${phase} ${s.toFixed(1)} s`).join(", "),
    machine: `${record.device}, ${record.processes} process(es), ${record.threads} thread(s), peak ${record.memory_mb.toFixed(0)} MB`,
    finished: record.finished,
  };
  const made = el("div", { class: "record-body" }, el("div", {}, el("h4", {}, "Run"), list(facts)));
  for (const [split, values] of Object.entries(metrics).filter(([, values]) => Object.keys(values).length)) {
    const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.toFixed(3)]));
    made.append(el("div", {}, el("h4", {}, `On ${split} (${record.protocol[split]?.rows ?? "?"} rows)`), list(shown)));
  }
  made.append(el("small", { class: "wide" }, record.signature));
  if (history.step.length > 1) made.append(chart("Training loss", history.step, history.loss));
  const dev = history[`dev_${config.task.select}`];
  if (dev && dev.length > 1) made.append(chart(`${config.task.select} on dev`, history.dev_step, dev));
  if (record.examples.length) {
    made.append(el("div", { class: "wide" }, el("h4", {}, "Decoded"), ...record.examples.map(list)));
  }
  const text = el("pre", { tabindex: "0" }, JSON.stringify(record, null, 1));
  made.append(el("details", { class: "wide" }, el("summary", {}, "The whole record"), text));
  return made;
}

function list(facts) {
  return el("dl", {}, ...Object.entries(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));
}

// A line through the points, with the range on both axes.
function chart(title, xs, ys) {
  const [width, height, left, bottom] = [400, 150, 44, 18];
  const known = ys.filter(Number.isFinite);
  const [low, high, last] = [Math.min(...known), Math.max(...known), xs[xs.length - 1]];
  const x = (value) => left + (width - left - 6) * (value - xs[0]) / (last - xs[0] || 1);
  const y = (value) => 8 + (height - bottom - 16) * (high - value) / (high - low || 1);
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}: from ${ys[0]} to ${ys[ys.length - 1]}` });
  for (const value of [low, high]) {
    drawn.append(svg("line", { x1: left, x2: width, y1: y(value), y2: y(value) }), label(left - 6, y(value) + 4, value.toPrecision(3), "end"));
  }
  const points = xs.map((value, i) => [x(value), y(ys[i])]).filter(([, value]) => Number.isFinite(value));
  drawn.append(svg("path", { d: `M${points.map((point) => point.join(" ")).join("L")}` }));
  if (points.length < 12) drawn.append(...points.map(([cx, cy]) => svg("circle", { cx, cy, r: 3 })));
  drawn.append(label(left, height - 4, `step ${xs[0]}`, "start"), label(width - 6, height - 4, `${last}`, "end"));
  return el("div", {}, el("h4", {}, title), drawn);
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function label(x, y, text, anchor) {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

// Theme and addresses -----------------------------------------------------------------------------

const theme = document.getElementById("theme");
const THEMES = ["auto", "light", "dark"];

function show(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.querySelector("span").textContent = name;
}

function remembered(name) {
  try {  // a page from a file may have no storage
    if (name) localStorage.setItem("petl-theme", name);
    return localStorage.getItem("petl-theme");
  } catch {
    return name;
  }
}

theme.hidden = false;
show(THEMES.includes(remembered()) ? remembered() : "auto");
theme.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(theme.querySelector("span").textContent) + 1) % THEMES.length];
  show(next);
  remembered(next);
});

// report.html#run-0e1175674868 opens that run, #mini-table6 that table.
function visit() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (rows.includes(target) && !target.nextElementSibling?.classList.contains("record")) toggle(target);
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", visit);
visit();
