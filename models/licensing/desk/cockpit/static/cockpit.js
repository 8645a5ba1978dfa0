// The cockpit's page: it keeps a view (changed numbers, and a strategy or a grid), asks for it, and shows the answers.

import { amount, bar, csv, download, el, lines, percent, plain, table } from "./drawing.js";
import { Lesson } from "./teaching.js";

const $ = (id) => document.getElementById(id);
const client = crypto.randomUUID();
const SHOWN = 12, SETTLED = 700, ADDRESSED = 200;
let game, numbers, view, shown = SHOWN, wanted = 0, is_asking = false, certificate = null, proved = null, settling = 0, addressing = 0;
let open_trade = null;          // the reading of open trade at these numbers, against which buyers' costs are told
let now = null;                 // the reading that is shown
let ranking = new Map();        // readings of the named strategies at these numbers
const stated = new Map();       // readings at the stated numbers, by strategy or grid
const levers = new Map();       // leverage by year at the stated numbers, by strategy or grid
let lesson, leverage = null;    // what is guessed first; leverage by year in the view that is shown
const pins = [];

const choiceOf = (one) => JSON.stringify(one.postures ? [one.postures, one.copied ?? null] : one.strategy);
const keyOf = (one) => JSON.stringify([Object.entries(one.values).sort(), choiceOf(one)]);
const asked = (one) => ({ values: one.values, strategy: one.strategy, postures: one.postures, copied: one.postures ? one.copied ?? null : null });
const copied = (one) => JSON.parse(JSON.stringify(one));

async function ask(path, body, method = "POST") {
  try {
    const answer = await fetch(`api/${path}`, {
      method, headers: body ? { "content-type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined,
    });
    return await answer.json();
  } catch {
    return { refused: "The cockpit does not answer.", fix: "see whether it still runs, then reload this page" };
  }
}

const wish = (what, one) => ask(what, { client, ...asked(one) });

function trouble(answer) {
  $("trouble").hidden = !answer?.refused;
  $("trouble").textContent = answer?.refused ? `${answer.refused}${answer.fix ? ` (${answer.fix})` : ""}` : "";
  return Boolean(answer?.refused);
}

// -- asking: one wish at a time, always for the latest view ---------------------------------------------------------

function changed() {
  wanted += 1;
  // Browsers ignore or refuse an address that changes with every step of a slider.
  clearTimeout(addressing);
  addressing = setTimeout(() => history.replaceState(null, "", location.pathname + fragment()), ADDRESSED);
  badge();
  if (lesson.at(view.values)) lesson.judge([]);
  if (!is_asking) follow();
}

async function follow() {
  is_asking = true;
  let done = -1;
  while (done !== wanted) {
    done = wanted;
    await fly(copied(view), () => done === wanted);
  }
  is_asking = false;
}

async function fly(one, is_latest) {
  $("result").classList.add("busy");
  const found = await wish("reading", one);
  $("result").classList.remove("busy");
  if (found.overtaken) return;
  if (trouble(found)) {
    now = null;
    $("value").textContent = "no answer";
    $("against").textContent = "";
    for (const id of ["verdict", "terms", "blocs", "shares", "leverage", "ranking"]) $(id).replaceChildren();
    return;
  }
  // What was said of other numbers stays in its place, marked, until it is said again: nothing jumps while a slider moves.
  $("verdict").classList.toggle("old", $("verdict").childElementCount > 0);
  now = { ...found, view: one };
  open_trade = leverage = null;
  $("leverage").classList.toggle("old", $("leverage").childElementCount > 0);
  ranking = new Map();
  if (!one.postures) rank(one.strategy, found);
  if (!Object.keys(one.values).length) stated.set(choiceOf(one), found);
  draw();
  if (!is_latest()) return;
  // Open trade comes next, because who pays is told against it.
  const names = [game.baseline, ...game.strategies.map((other) => other.name)];
  await look(one, names.slice(0, 1), is_latest);
  if (!is_latest()) return;
  draw();
  const is_moved = Object.keys(one.values).length > 0;
  for (const other of is_moved ? [{ ...one, values: {} }, baseline()] : []) {
    if (stated.has(choiceOf(other))) continue;
    const before = await wish("reading", other);
    if (!before.overtaken && !before.refused) stated.set(choiceOf(other), before);
    if (!is_latest()) return;
    draw();
  }
  await look(one, names, is_latest);
  if (!is_latest()) return;
  const verdict = await wish("verdict", one);
  if (!is_latest() || verdict.overtaken || trouble(verdict)) return;
  $("verdict").classList.remove("old");
  $("verdict").replaceChildren(...verdict.sentences.map((text) => el("p", {}, text)));
  cut(one, is_latest);
}

// Leverage takes longest, so it is asked last, and only where the view has rested.
async function cut(one, is_latest) {
  await new Promise((done) => setTimeout(done, SETTLED));
  for (const other of Object.keys(one.values).length ? [one, { ...one, values: {} }] : [one]) {
    if (!is_latest() || is_asking) return;
    const is_stated = !Object.keys(other.values).length;
    const known = is_stated ? levers.get(choiceOf(other)) : undefined;
    const found = known ?? await wish("leverage", other);
    if (found.overtaken || found.refused) return;
    if (is_stated) levers.set(choiceOf(other), found);
    if (other === one) leverage = found;
    if (is_latest()) drawLeverage();
  }
}

async function look(one, names, is_latest) {
  for (const name of names) {
    if (ranking.has(name)) continue;
    const other = await wish("reading", { values: one.values, strategy: name, postures: null });
    if (!is_latest()) return;
    if (!other.overtaken && !other.refused) rank(name, other);
    drawRanking();
  }
}

function rank(name, found) {
  ranking.set(name, found);
  if (name === game.baseline) open_trade = found;
  lesson.judge([...ranking.values()]);
  if (!Object.keys(now.view.values).length) stated.set(JSON.stringify(name), found);
}

const baseline = () => ({ values: {}, strategy: game.baseline, postures: null });

// -- drawing --------------------------------------------------------------------------------------------------------

const before = () => stated.get(choiceOf(now.view));

function draw() {
  const old = before();
  $("value").textContent = `${amount(now.value)} million USD`;
  const chance = `${percent(now.probability)} chance of a concession, shortage ${amount(now.shortage)} t`;
  $("against").textContent = old ? `${amount(now.value - old.value, true)} against the stated case; ${chance}` : chance;
  const largest = Math.max(...Object.values(now.terms).map(Math.abs));
  const terms = Object.entries(now.terms).map(([term, value]) => ({
    cells: [game.terms[term] ?? term, amount(value), old ? amount(value - old.terms[term], true) : "…", bar(value, largest)],
  }));
  table($("terms"), ["term", "now", "change", ""], terms, `${now.title}: present value; change against the stated case`);
  drawBlocs(old);
  lines($("shares"), now.first_year, now.share, old?.share);
  drawRanking();
  clearTimeout(settling);
  settling = setTimeout(() => {
    $("live").textContent = `${now.title}: ${$("value").textContent}. ${$("against").textContent}.`;
  }, SETTLED);
}

// What each of the buyers bears beyond open trade in a reading; the last row is all of them.
function pains(reading, base) {
  if (!reading || !base) return null;
  return [...reading.blocs.map((bloc, at) => bloc.cost - base.blocs[at].cost), reading.cost - base.cost];
}

function drawBlocs(old) {
  const paid = pains(now, open_trade), before = pains(old, stated.get(choiceOf(baseline())));
  $("blocs").classList.toggle("old", !paid);
  if (!paid) return;
  const largest = Math.max(...paid.slice(0, -1).map(Math.abs));
  const rows = [...now.blocs, { title: "together", shortage: now.shortage }].map((bloc, at) => ({
    chosen: at === now.blocs.length,
    cells: [bloc.title, amount(paid[at]), before ? amount(paid[at] - before[at], true) : "…", `${amount(bloc.shortage)} t`,
      at < now.blocs.length ? bar(paid[at], largest) : ""],
  }));
  table($("blocs"), ["buyers", "now", "change", "shortage", ""], rows, "Present value, less the rents that they earn");
}

function drawLeverage() {
  $("leverage").classList.remove("old");
  $("length-line").hidden = !(leverage?.months.length > 1);
  if (!leverage?.months.length) {
    $("leverage").replaceChildren(el("p", { class: "quiet" }, "This instance states no cut-offs."));
    return;
  }
  const chosen = $("length").value;
  $("length").replaceChildren(...leverage.months.map((months, at) => el("option", { value: at }, plain(months))));
  $("length").value = chosen in leverage.months ? chosen : "0";
  const at = Number($("length").value), old = Object.keys(now.view.values).length ? levers.get(choiceOf(now.view))?.losses[at] : undefined;
  const largest = Math.max(1e-9, ...leverage.losses[at], ...(old ?? []));
  lines($("leverage"), leverage.first_year, leverage.losses[at], old, amount, largest);
}

function drawRanking() {
  const rows = [...ranking.values()];
  if (now.view.postures) rows.push(now);
  rows.sort((one, other) => other.value - one.value);
  table($("ranking"), ["strategy", "million USD", "behind", "concession"], rows.map((one) => ({
    chosen: one.strategy === now.strategy,
    cells: [one.title, amount(one.value), amount(rows[0].value - one.value), percent(one.probability)],
  })), ranking.size < game.strategies.length ? "still looking at the others" : "present value, not certified");
}

function badge() {
  const is_proved = proved && proved.key === keyOf(view);
  $("badge").textContent = is_proved ? `certified: ${proved.proof}` : "not certified";
  $("badge").title = is_proved ? proved.says : "read on the hot path; press Certify for the checks";
  $("badge").classList.toggle("proved", Boolean(is_proved));
}

// -- assumptions ----------------------------------------------------------------------------------------------------

const isRanged = (one) => one.low !== null && one.high !== null && one.low < one.high;

function listed() {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = game.assumptions.filter((one) => {
    const text = `${one.path} ${one.unit} ${one.source} ${one.reason} ${one.kind}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const moved = words.length ? [] : fits.filter((one) => one.path in view.values);
  const rest = fits.filter((one) => !moved.includes(one));
  const all = [...moved, ...rest];
  const some = all.slice(0, Math.max(shown, moved.length));
  $("found").textContent = `${some.length} of ${all.length} numbers shown${moved.length ? `, ${moved.length} changed` : ""}`;
  $("more").hidden = some.length === all.length;
  $("numbers").replaceChildren(...some.map(row));
}

function row(one) {
  const id = `n-${one.path}`, why = `w-${one.path}`;
  const value = () => view.values[one.path] ?? one.value;
  const line = el("li", { class: "number" });
  const unit = one.unit === "1" ? "share or number" : one.unit;
  const exact = el("input", { type: "number", id, step: "any", value: plain(value()), "aria-describedby": why, min: one.low, max: one.high });
  const slide = isRanged(one) ? el("input", {
    type: "range", min: one.low, max: one.high, step: "any", value: value(), "aria-label": `${one.path}, ${unit}`, "aria-describedby": why,
  }) : null;
  const set = (number, from) => {
    if (!Number.isFinite(number)) return;
    if (number === one.value) delete view.values[one.path];
    else view.values[one.path] = number;
    if (from !== exact) exact.value = plain(number);
    if (slide && from !== slide) slide.value = number;
    slide?.setAttribute("aria-valuetext", `${plain(number)} ${unit}`);
    line.classList.toggle("changed", one.path in view.values);
    changed();
  };
  exact.addEventListener("change", () => set(exact.valueAsNumber, exact));
  slide?.addEventListener("input", () => set(slide.valueAsNumber, slide));
  slide?.setAttribute("aria-valuetext", `${plain(value())} ${unit}`);
  const back = el("button", { type: "button", "aria-label": `Reset ${one.path}`, onclick: () => set(one.value, null) }, "Reset");
  const range = isRanged(one) ? `, range ${plain(one.low)} to ${plain(one.high)}` : ", no range is stated";
  const grade = [one.kind, one.grade ? `grade ${one.grade}` : "", one.year ?? ""].filter(Boolean).join(", ");
  line.classList.toggle("changed", one.path in view.values);
  line.append(el("div", { class: "line" }, el("label", { for: id }, one.path), exact, el("span", { class: "quiet" }, unit), back));
  if (slide) line.append(slide);
  line.append(el("p", { class: "quiet why", id: why },
    `Stated ${plain(one.value)} ${one.unit === "1" ? "" : one.unit}${range}; ${grade}. ${[one.source, one.reason].filter(Boolean).join(". ")}`));
  return line;
}

// -- choices --------------------------------------------------------------------------------------------------------

const posturesOf = (one) => one.postures ?? game.strategies.find((other) => other.name === one.strategy)?.postures;

function drawChoices() {
  const options = game.strategies.map((one) => el("option", { value: one.name }, one.title));
  if (view.postures) options.unshift(el("option", { value: "" }, "The grid below"));
  $("strategy").replaceChildren(...options);
  $("strategy").value = view.postures ? "" : view.strategy;
  $("story").textContent = view.postures ? "" : game.strategies.find((one) => one.name === view.strategy)?.story ?? "";
  const postures = posturesOf(view) ?? game.strategies[0].postures;
  const is_mixed = postures.some((groups) => groups.some((products) => new Set(products).size > 1));
  if (is_mixed) $("apart").checked = true;
  $("apart-line").hidden = game.products.length < 2;
  const is_apart = $("apart").checked && game.products.length > 1;
  const lots = is_apart ? game.products.map((name, at) => [name, [at]]) : [["", game.products.map((_, at) => at)]];
  const body = game.phases.flatMap((phase, p) => lots.map(([lot, places]) => el("tr", {},
    el("th", { scope: "row" }, `${phase.name} (${phase.begins})${lot ? ` · ${lot}` : ""}`),
    ...game.groups.map((group, g) => {
      const pick = el("select", { "aria-label": `${phase.name}, ${group}${lot ? `, ${lot}` : ""}` },
        ...game.postures.map((one) => el("option", { value: one.name }, one.title)));
      pick.value = postures[p][g][places[0]];
      pick.addEventListener("change", () => {
        // What the strategy does after a concession goes on in the grid.
        if (!view.postures) view.copied = view.strategy;
        view.postures = copied(posturesOf(view));
        view.strategy = "grid";
        for (const at of places) view.postures[p][g][at] = pick.value;
        const option = $("strategy").options[0];
        if (option.value) $("strategy").prepend(el("option", { value: "" }, "The grid below"));
        $("strategy").value = "";
        $("story").textContent = "";
        changed();
      });
      return el("td", {}, pick);
    }))));
  $("grid").replaceChildren(
    el("caption", { class: "quiet" }, "One posture for every phase and group of buyers"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "phase"), ...game.groups.map((group) => el("th", { scope: "col" }, group)))),
    el("tbody", {}, ...body));
}

// -- keeping, sharing, pinning --------------------------------------------------------------------------------------

const fragment = () => {
  const is_stated = !Object.keys(view.values).length && !view.postures;
  return is_stated && view.strategy === game.strategies[0].name ? "" : `#${encodeURIComponent(JSON.stringify(view))}`;
};

function shared() {
  const first = { values: {}, strategy: game.strategies[0].name, postures: null };
  if (location.hash.length < 2) return first;
  try {
    // Whatever the link says, the server judges it again; here it is only made to be of the right kinds.
    const told = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    const values = Object.entries(told.values ?? {}).filter(([, value]) => typeof value === "number");
    const is_grid = Array.isArray(told.postures) && told.postures.length === game.phases.length
      && told.postures.every((groups) => Array.isArray(groups) && groups.length === game.groups.length
        && groups.every((products) => Array.isArray(products) && products.length === game.products.length));
    const is_known = game.strategies.some((one) => one.name === told.strategy);
    const from = game.strategies.some((one) => one.name === told.copied) ? told.copied : null;
    const strategy = is_grid ? "grid" : is_known ? told.strategy : first.strategy;
    return { values: Object.fromEntries(values), strategy, postures: is_grid ? told.postures : null, copied: is_grid ? from : null };
  } catch {
    return first;
  }
}

function open(one) {
  view = copied(one);
  listed();
  drawChoices();
  changed();
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    $("live").textContent = `${what} copied.`;
  } catch {
    $("live").textContent = `${what} could not be copied: mark it and copy it by hand.`;
  }
}

function drawPins() {
  $("pinned").hidden = !pins.length;
  const line = (title, cell) => el("tr", {}, el("th", { scope: "row" }, title), ...pins.map((one) => el("td", {}, cell(one))));
  $("pins").replaceChildren(
    el("caption", { class: "quiet" }, "Views side by side, not certified"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), ...pins.map((one, at) => el("th", { scope: "col" }, `${at + 1}. ${one.title}`)))),
    el("tbody", {},
      line("changed", (one) => Object.entries(one.view.values).map(([path, value]) => `${path} = ${plain(value)}`).join("; ") || "as stated"),
      line("million USD", (one) => amount(one.value)),
      line("cost to buyers over open trade, million USD", (one) => amount(one.paid)),
      line("shortage, t", (one) => amount(one.shortage)),
      line("concession", (one) => percent(one.probability)),
      line("share at last", (one) => percent(one.share.findLast((share) => share !== null))),
      line("", (one) => el("div", { class: "buttons" },
        el("button", { type: "button", onclick: () => open(one.view) }, "Show"),
        el("button", { type: "button", onclick: () => { pins.splice(pins.indexOf(one), 1); drawPins(); } }, "Remove")))));
}

function rows() {
  const old = before();
  const found = [["what", "name", "now", "stated case", "unit"], ["payoff", now.title, now.value, old?.value, "million USD"]];
  for (const [term, value] of Object.entries(now.terms)) found.push(["term", term, value, old?.terms[term], "million USD"]);
  const paid = pains(now, open_trade), paid_stated = pains(old, stated.get(choiceOf(baseline())));
  now.blocs.forEach((bloc, at) => {
    found.push(["cost over open trade", bloc.name, paid?.[at], paid_stated?.[at], "million USD"]);
    found.push(["shortage", bloc.name, bloc.shortage, old?.blocs[at].shortage, "t"]);
  });
  now.share.forEach((share, at) => found.push(["leader's share", now.first_year + at, share, old?.share[at], "1"]));
  leverage?.months.forEach((months, length) => leverage.losses[length].forEach((loss, at) => found.push(
    [`leverage, ${plain(months)} months`, leverage.first_year + at, loss, levers.get(choiceOf(now.view))?.losses[length][at], "million USD"])));
  for (const one of ranking.values()) found.push(["strategy", one.strategy, one.value, stated.get(JSON.stringify(one.strategy))?.value, "million USD"]);
  for (const [path, value] of Object.entries(now.view.values)) found.push(["assumption", path, value, numbers.get(path)?.value, numbers.get(path)?.unit]);
  return found;
}

// -- certificates ---------------------------------------------------------------------------------------------------

async function make(what) {
  const one = copied(view);
  const begun = await ask("certificates", { ...asked(one), make: what });
  if (trouble(begun)) return;
  certificate = begun.certificate;
  $("certify").disabled = $("brief").disabled = true;
  $("cancel").hidden = $("certifying").hidden = false;
  for (;;) {
    const state = await ask(`certificates/${certificate}`, null, "GET");
    if (state.state === "running") {
      $("stage").textContent = `${state.stage} ${state.done} of ${state.total}`;
      if (state.total > 1) { $("progress").max = state.total; $("progress").value = state.done; } else $("progress").removeAttribute("value");
      await new Promise((done) => setTimeout(done, 400));
      continue;
    }
    if (state.state === "done" && what === "brief") {
      download("cockpit-brief.html", "text/html", state.html);
      download("cockpit-result.json", "application/json", JSON.stringify(state.result));
      $("live").textContent = "The brief is made, and the result that it tells: coercivity verify cockpit-result.json judges it.";
    } else if (state.state === "done") {
      proved = { key: keyOf(one), proof: state.proof, says: state.says };
      const failed = state.checks.filter((check) => !check.ok).length;
      $("live").textContent = `${state.says} ${amount(state.optimistic)} million USD; ${state.checks.length - failed} of ${state.checks.length} checks hold`
        + (proved.key === keyOf(view) ? "." : "; the view has changed since.");
    } else if (state.state === "cancelled") $("live").textContent = `The ${what} was cancelled.`;
    else trouble(state);
    break;
  }
  $("certify").disabled = $("brief").disabled = false;
  $("cancel").hidden = $("certifying").hidden = true;
  badge();
}

// -- the beginning --------------------------------------------------------------------------------------------------

function bind() {
  const on = (id, event, does) => $(id).addEventListener(event, does);
  on("search", "input", () => { shown = SHOWN; listed(); });
  on("more", "click", () => { shown += 4 * SHOWN; listed(); });
  on("reset", "click", () => open({ ...view, values: {} }));
  on("strategy", "change", () => { if ($("strategy").value) { view.strategy = $("strategy").value; view.postures = null; drawChoices(); changed(); } });
  on("apart", "change", drawChoices);
  on("certify", "click", () => make("certificate"));
  on("brief", "click", () => make("brief"));
  on("teach", "click", () => lesson.turn(view.values));
  on("length", "change", drawLeverage);
  on("cancel", "click", () => ask(`certificates/${certificate}`, null, "DELETE"));
  on("pin", "click", () => { if (now) { pins.push({ ...now, paid: pains(now, open_trade)?.at(-1) }); drawPins(); $("live").textContent = `Pinned: ${now.title}.`; } });
  on("link", "click", () => copy(location.origin + location.pathname + fragment(), "Link"));
  on("csv", "click", () => now && download("cockpit.csv", "text/csv", csv(rows())));
  on("keep", "click", async () => {
    const kept = await ask("kept", asked(view));
    if (trouble(kept)) return;
    $("command").value = kept.command;
    $("variant").value = kept.variant;
    $("kept").showModal();
  });
  on("copy-command", "click", () => copy($("command").value, "Command"));
  on("copy-variant", "click", () => copy($("variant").value, "Variant"));
  on("save-variant", "click", () => download("cockpit-variant.yaml", "application/yaml", $("variant").value));
  on("close", "click", () => $("kept").close());
  addEventListener("hashchange", () => open(shared()));
}

game = await ask("game", null, "GET");
if (!trouble(game)) {
  numbers = new Map(game.assumptions.map((one) => [one.path, one]));
  document.title = `Cockpit: ${game.instance.name}`;
  $("title").textContent = `${game.instance.name}: ${game.instance.title}`;
  $("subtitle").textContent = [game.instance.money, `instance ${game.instance.hash.slice(0, 12)}`].filter(Boolean).join(" · ");
  $("order").textContent = `${game.order[0].toUpperCase()}${game.order.slice(1)}.`;
  lesson = new Lesson(Object.fromEntries(game.strategies.map((one) => [one.name, one.title])));
  bind();
  open(shared());
}
