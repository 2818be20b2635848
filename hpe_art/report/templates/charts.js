// Charts by Vega-Lite: how one is drawn, by a theme that follows the page's colours.
const distinct = values => [...new Set(values)];
const colourOf = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function theme() {
  const ink = colourOf("--ink"),
    line = colourOf("--line");
  const axis = {
    labelColor: ink,
    titleColor: ink,
    domainColor: line,
    tickColor: line,
    gridColor: line,
    gridOpacity: 0.6,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
  };
  return { font: "system-ui, sans-serif", axis, view: { stroke: null } };
}

// Says of a point its score with the interval, and whose it is.
function showTip(event, row) {
  const tip = byId("tip");
  tip.hidden = !row;
  if (!row) return;
  tip.replaceChildren(element("strong", {}, row.says), element("br"), row.about);
  const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.min(event.clientY + 18, innerHeight - tip.offsetHeight - 8)}px`;
}

// Lets the arrow keys go through the points of a chart, one name after the other.
function walkPoints(stage, spec) {
  const order = (a, b) =>
    (a.name ?? "").localeCompare(b.name ?? "") || (typeof a.x === "number" ? a.x - b.x : 0);
  const rows = [...spec.data.values].sort(order);
  const [across, up] = spec.encoding?.x ? ["x", "y"] : ["y", "x"];
  let at = -1;
  stage.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = (Math.max(at, step < 0 ? 0 : -1) + step + rows.length) % rows.length;
    const { view } = stage,
      box = stage.getBoundingClientRect(),
      [left, top] = view.origin();
    const place = (axis, key) =>
      view.scale(axis)(rows[at][key]) +
      (spec.encoding[`${axis}Offset`] ? view.scale(`${axis}Offset`)(rows[at].name) : 0);
    const clientX = box.left + left + place("x", across);
    showTip({ clientX, clientY: box.top + top + place("y", up) }, rows[at]);
  });
  stage.addEventListener("blur", () => showTip(null, null));
}

// Draws charts in a place of the page, each [title, a layer and its rows]. All have their place
// before the first is drawn, which is as wide as that.
function drawCharts(place, charts, height = 260) {
  const stages = charts.map(([title]) => {
    const keys = `${title}: a chart, whose points the left and right arrow keys go through`;
    const stage = element("div", { class: "chart", tabindex: 0, role: "group", "aria-label": keys });
    place.append(element("figure", {}, element("figcaption", {}, title), stage));
    return stage;
  });
  charts.forEach(([title, spec], i) => drawIn(stages[i], title, spec, height));
}

function drawChart(place, title, spec, height) {
  drawCharts(place, [[title, spec]], height);
}

function drawIn(stage, title, spec, height) {
  const whole = {
    width: "container",
    height,
    background: null,
    config: theme(),
    description: title,
    autosize: { type: "fit", contains: "padding" },
    ...spec,
  };
  const view = new vega.View(vega.parse(vegaLite.compile(whole).spec), {
    container: stage,
    renderer: "svg",
  });
  view.tooltip((_, event, item, value) => showTip(event, value ? item.datum : null));
  view.runAsync();
  stage.view = view;
  walkPoints(stage, spec);
}

function clearCharts(place) {
  byId("tip").hidden = true;
  place.querySelectorAll(".chart").forEach(stage => stage.view.finalize());
  place.replaceChildren();
}

// The x axis: numbers, or a place where there is one number alone.
function axisOfX(title, values, log) {
  const ticks = distinct(values.map(row => row.x)).sort((a, b) => a - b);
  const axis = { title, labelOverlap: true };
  if (ticks.length < 2) {
    const scale = { type: "band", paddingInner: 0.5, paddingOuter: 2 };
    return { field: "x", type: "nominal", scale, axis: { ...axis, labelAngle: 0 } };
  }
  const numbers = { field: "x", type: "quantitative", axis: { ...axis, format: "~g" } };
  if (!log) return numbers;
  numbers.axis.values = ticks;
  return {
    ...numbers,
    scale: { type: "log", base: 2, domain: [ticks[0], ticks.at(-1)], nice: false },
  };
}

// Beside each other, so that none hides another.
const apart = drawnBy =>
  drawnBy.length > 1 && { field: "name", scale: { domain: drawnBy.map(one => one.name) } };

// A line through the points of each series, with its intervals as a band; where there is one x
// alone, marks with their intervals.
// Rows are {x, y, low, high, name, says, about}; `styles` are of all names.
function lines(values, styles, { x, y, top, log }) {
  const drawnBy = styles.filter(one => values.some(row => row.name === one.name));
  const by = of => ({
    field: "name",
    type: "nominal",
    legend: null,
    scale: { domain: drawnBy.map(one => one.name), range: drawnBy.map(of) },
  });
  const scale = {
    zero: true,
    nice: !top,
    ...(top && { domain: [0, Math.max(top, ...values.map(row => row.y))] }),
  };
  const on = field => ({ field, type: "quantitative", scale, axis: { title: y } });
  const across = axisOfX(x, values, log),
    color = by(shade);
  const dashes = by(one => (one.dashes.length ? one.dashes.map(length => 2 * length) : [1, 0]));
  const isCurve = across.type !== "nominal",
    xOffset = !isCurve && apart(drawnBy);
  const ends = isCurve ? { type: "area", opacity: 0.12 } : { type: "rule" };
  const point = { type: "point", filled: true, aria: false };
  const line = {
    mark: { type: "line", strokeWidth: 2, aria: false },
    encoding: { color, strokeDash: dashes, y: on("y") },
  };
  const layer = [
    ...(isCurve ? [line] : []),
    {
      mark: { ...point, size: isCurve ? 70 : 160, opacity: 1 },
      encoding: { color, shape: by(one => one.mark), y: on("y") },
    },
    // Larger than what is seen, so that it is easily met.
    { mark: { ...point, size: 500, opacity: 0, tooltip: true }, encoding: { y: on("y") } },
  ];
  if (values.some(row => known(row.low))) {
    layer.unshift({
      mark: { ...ends, clip: Boolean(top), aria: false },
      encoding: { color, y: on("low"), y2: { field: "high" } },
    });
  }
  return { data: { values }, encoding: { x: across, ...(xOffset && { xOffset }) }, layer };
}

// Bars for one name, marks for several, with their intervals: a row for each x, from the top.
function marksOf(values, styles, { x, top }) {
  const drawnBy = styles.filter(one => values.some(row => row.name === one.name));
  const by = range => ({
    field: "name",
    type: "nominal",
    legend: null,
    scale: { domain: drawnBy.map(one => one.name), range },
  });
  const color = by(drawnBy.map(shade));
  const on = field => ({
    field,
    type: "quantitative",
    axis: { title: x },
    scale: top ? { domain: [0, Math.max(top, ...values.map(row => row.y))] } : {},
  });
  const mark = { aria: false, tooltip: true };
  const y = { field: "x", type: "nominal", sort: null, axis: { title: null, grid: true } };
  const yOffset = apart(drawnBy),
    one = !yOffset;
  const layer = one
    ? ["bar", "tick"].map(type => ({
        // The tick ends the bar, and shows where there is none: at 0.
        mark: { ...mark, type, ...(type === "tick" && { thickness: 3 }) },
        encoding: { color, x: on("y") },
      }))
    : [
        {
          mark: { ...mark, type: "point", filled: true, size: 80, opacity: 1 },
          encoding: { color, shape: by(drawnBy.map(style => style.mark)), x: on("y") },
        },
      ];
  // Intervals may be much longer than the axis.
  if (values.some(row => known(row.low)))
    layer.push({
      mark: { type: "rule", clip: Boolean(top), aria: false },
      encoding: {
        color: one ? { value: colourOf("--ink") } : color,
        x: on("low"),
        x2: { field: "high" },
      },
    });
  const each = Math.max(20, 12 + 4 * drawnBy.length),
    height = 60 + each * distinct(values.map(row => row.x)).length;
  return { data: { values }, height, encoding: { y, ...(yOffset && { yOffset }) }, layer };
}
