// What is drawn: numbers in words, tables and pictures. Text is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((one) => one !== null));
  return made;
}

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function amount(value, sign = false) {
  if (value === null || value === undefined) return "n/a";
  const places = Math.abs(value) >= 100 ? 0 : 1;
  const size = Math.abs(value).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  const is_nothing = Number(size.replaceAll(",", "")) === 0;
  return (is_nothing ? "" : value < 0 ? "−" : sign ? "+" : "") + size;
}

export const plain = (value) => String(Number(Number(value).toPrecision(6)));

export const percent = (share) => (share === null || share === undefined ? "n/a" : `${(100 * share).toFixed(0)} %`);

export function table(place, head, rows, caption) {
  const cells = (row, kind) => row.map((cell, at) => {
    if (cell instanceof Node) return el("td", { class: "bar" }, cell);
    const heading = kind === "th" || at === 0;
    return el(heading ? "th" : "td", { class: typeof cell === "number" ? "n" : at ? "n" : null, scope: kind === "th" ? "col" : at === 0 ? "row" : null },
      typeof cell === "number" ? amount(cell) : cell);
  });
  place.replaceChildren(
    el("caption", { class: "quiet" }, caption),
    el("thead", {}, el("tr", {}, ...cells(head, "th"))),
    el("tbody", {}, ...rows.map((row) => el("tr", { class: row.chosen ? "chosen" : null }, ...cells(row.cells, "td")))),
  );
}

export function bar(value, largest) {
  const size = largest > 0 ? (50 * Math.abs(value)) / largest : 0;
  const x = value < 0 ? 50 - size : 50;
  return svg("svg", { viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true", height: "12" },
    svg("line", { x1: 50, x2: 50, y1: 0, y2: 12, class: "axis" }),
    svg("rect", { x, y: 2, width: size, height: 8, class: value < 0 ? "below" : "now" }));
}

export function lines(place, first, now, stated, told = percent, top_value = 1) {
  const wide = 560, high = 200, left = 40, foot = 22, top = 8;
  const x = (at) => left + ((wide - left - 8) * at) / Math.max(1, now.length - 1);
  const y = (share) => top + (high - top - foot) * (1 - share / top_value);
  const path = (shares) => {
    let drawn = "", is_on = false;
    shares.forEach((share, at) => {
      if (share === null) { is_on = false; return; }
      drawn += `${is_on ? "L" : "M"}${x(at).toFixed(1)} ${y(share).toFixed(1)}`;
      is_on = true;
    });
    return drawn;
  };
  const last = (shares) => shares.findLast((share) => share !== null);
  const says = `From ${first} to ${first + now.length - 1}: ${told(now.find((one) => one !== null))} at first, ${told(last(now))} at last`
    + (stated ? `; in the stated case ${told(last(stated))} at last.` : ".");
  const drawing = svg("svg", { viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": says });
  for (const share of [0, top_value / 2, top_value]) {
    drawing.append(svg("line", { x1: left, x2: wide - 8, y1: y(share), y2: y(share), class: "axis" }),
      svg("text", { x: 2, y: y(share) + 4 }, told(share)));
  }
  const step = Math.max(1, Math.ceil(now.length / 8));
  for (let at = 0; at < now.length; at += step) drawing.append(svg("text", { x: Math.min(x(at) - 12, wide - 28), y: high - 5 }, String(first + at)));
  if (stated) drawing.append(svg("path", { d: path(stated), class: "stated" }));
  drawing.append(svg("path", { d: path(now), class: "now" }));
  place.replaceChildren(drawing, el("p", { class: "quiet" }, `${says} Solid: this view; dashed: the stated case.`));
}

export function csv(rows) {
  const cell = (value) => {
    let text = String(value ?? "");
    // A spreadsheet would take such a text for a formula.
    if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
