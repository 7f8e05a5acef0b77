// data_visualization blocks as SVG: pie, bar, area and line, each with a legend and its figures as text.

import { h, svg } from "./dom.js";

const WIDTH = 560;
const HEIGHT = 220;
const EDGE = { left: 44, right: 10, top: 12, bottom: 34 };
const COLOURS = 8;

const colour = (index) => `series-${index % COLOURS}`;
const written = (value) => new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 }).format(value);

function legend(names) {
  return h("ul", { class: "legend" }, names.map((name, index) =>
    h("li", {}, h("span", { class: `dot ${colour(index)}`, "aria-hidden": "true" }), name)));
}

function pie(chart) {
  const total = chart.segments.reduce((sum, segment) => sum + Math.max(0, segment.value), 0) || 1;
  const [cx, cy, r] = [100, 100, 90];
  let angle = -Math.PI / 2;
  const slices = chart.segments.map((segment, index) => {
    const share = Math.max(0, segment.value) / total;
    const from = angle;
    angle += share * 2 * Math.PI;
    const [x1, y1, x2, y2] = [cx + r * Math.cos(from), cy + r * Math.sin(from), cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
    const label = svg("title", {}, `${segment.label}: ${written(segment.value)}`);
    if (share > 0.9999) return svg("circle", { class: `slice ${colour(index)}`, cx, cy, r }, label);
    const path = `M${cx} ${cy} L${x1} ${y1} A${r} ${r} 0 ${share > 0.5 ? 1 : 0} 1 ${x2} ${y2} Z`;
    return svg("path", { class: `slice ${colour(index)}`, d: path }, label);
  });
  return {
    drawing: svg("svg", { viewBox: "0 0 200 200", class: "chart pie", role: "img" }, slices),
    names: chart.segments.map((s) => `${s.label} · ${written(s.value)} (${Math.round((100 * s.value) / total)} %)`),
  };
}

function niceStep(span) {
  const rough = Math.max(span, 1e-9) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) || 10);
}

function axes(chart) {
  const values = chart.series.flatMap((series) => series.data.map((point) => point.value));
  const fine = niceStep(Math.max(0, ...values) - Math.min(0, ...values) || 1);
  const step = values.every(Number.isInteger) ? Math.max(1, fine) : fine; // nobody counts half a recording
  const low = Math.floor(Math.min(0, ...values) / step) * step;
  const high = Math.ceil(Math.max(0, ...values) / step) * step || step;
  const categories = chart.axis_config.categories;
  const inner = { width: WIDTH - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const slot = inner.width / categories.length;
  const x = (index) => EDGE.left + slot * (index + 0.5);
  const y = (value) => EDGE.top + inner.height * (1 - (value - low) / (high - low));
  const grid = [];
  for (let value = low; value <= high + step / 2; value += step) {
    grid.push(svg("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, written(value)));
  }
  const every = Math.ceil(categories.length / 8);
  const labels = categories.map((category, index) => (index % every ? null
    : svg("text", { class: "tick", x: x(index), y: HEIGHT - EDGE.bottom + 16, "text-anchor": "middle" }, category)));
  return { x, y, slot, base: y(Math.max(low, 0)), frame: [...grid, ...labels] };
}

function bars(chart, { x, y, slot, base }) {
  const width = Math.max(2, (slot * 0.72) / chart.series.length);
  return chart.series.flatMap((series, place) => series.data.map((point, index) => {
    const top = Math.min(y(point.value), base);
    const left = x(index) - (width * chart.series.length) / 2 + place * width;
    return svg("rect", {
      class: `bar ${colour(place)}`, x: left, y: top, width: Math.max(1, width - 1),
      height: Math.max(0, Math.abs(y(point.value) - base)), rx: 2,
    }, svg("title", {}, `${series.name}, ${point.label}: ${written(point.value)}`));
  }));
}

function curves(chart, { x, y, base }) {
  return chart.series.flatMap((series, place) => {
    const points = series.data.map((point, index) => `${x(index)} ${y(point.value)}`);
    const line = `M${points.join(" L")}`;
    const last = series.data.length - 1;
    const area = chart.type === "area"
      ? [svg("path", { class: `area ${colour(place)}`, d: `${line} L${x(last)} ${base} L${x(0)} ${base} Z` })] : [];
    return [...area, svg("path", { class: `line ${colour(place)}`, d: line }),
      ...series.data.map((point, index) => svg("circle", {
        class: `slice ${colour(place)}`, cx: x(index), cy: y(point.value), r: 3,
      }, svg("title", {}, `${series.name}, ${point.label}: ${written(point.value)}`)))];
  });
}

function xy(chart) {
  const scale = axes(chart);
  const drawn = chart.type === "bar" ? bars(chart, scale) : curves(chart, scale);
  return {
    drawing: svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img" }, scale.frame, drawn),
    names: chart.series.map((series) => series.name),
  };
}

export function chart(block) {
  const { drawing, names } = block.chart.type === "pie" ? pie(block.chart) : xy(block.chart);
  const figures = block.chart.type === "pie" ? names : block.chart.series.map(
    (series) => `${series.name}: ${series.data.map((point) => `${point.label} ${written(point.value)}`).join(", ")}`);
  drawing.setAttribute("aria-label", `${block.title}. ${figures.join("; ")}`);
  const axis = block.chart.axis_config || {};
  return h("figure", { class: "b-chart" },
    h("figcaption", {}, block.title),
    axis.y_label ? h("div", { class: "axis-label" }, axis.y_label) : null,
    drawing,
    axis.x_label ? h("div", { class: "axis-label centred" }, axis.x_label) : null,
    legend(names));
}
