"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const STEP = 40;
  const byId = (id) => document.getElementById(id);
  const list = byId("cases");
  const further = byId("further");
  const chosen = new Set(data.order);
  let matching = [];
  let shown = 0;

  // Foreign text goes into the page here and nowhere else, as text.
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const field = (name, text, kind) => {
    const part = make("div", "field " + (kind || ""));
    const body = make("div", "text", text === "" ? "(empty)" : text);
    if (text === "") body.classList.add("faint");
    body.dir = "auto";
    part.append(make("div", "label", name), body);
    return part;
  };

  const view = (at, what) => {
    if (at < 0 || !data.pictures[at]) return make("span", "gone", "no view");
    const image = make("img");
    image.src = data.pictures[at];
    image.alt = what;
    image.loading = "lazy";
    image.decoding = "async";
    image.addEventListener("click", () => image.classList.toggle("clear"));
    return image;
  };

  const gallery = (entry) => {
    const part = make("div", "gallery");
    for (const at of entry.pictures) part.append(view(at, "picture shown to the model"));
    for (const at of entry.drawn) part.append(view(at, "picture drawn by the model"));
    return part;
  };

  const facts = (entry) => {
    const part = make("details", "facts");
    const items = make("dl");
    for (const [name, value] of [["case", entry.case], ...entry.facts, ["seconds", entry.seconds]]) {
      const item = make("div");
      item.append(make("dt", "", name), make("dd", "", value));
      items.append(item);
    }
    if (entry.more) items.append(make("p", "faint", "Not here: " + entry.more));
    part.append(make("summary", "", "Facts"), items);
    return part;
  };

  const head = (entry) => {
    const part = make("div", "head");
    part.append(make("span", "pill", entry.status));
    if (entry.value !== null && !["right", "wrong"].includes(entry.status)) part.append(make("b", "", entry.value));
    part.append(make("span", "task", entry.task), make("span", "faint", entry.model));
    const same = make("button", "same", "same case, all models");
    same.type = "button";
    same.addEventListener("click", () => {
      byId("search").value = entry.case;
      byId("model").value = "";
      byId("task").value = "";
      data.order.forEach((status) => chosen.add(status));
      apply();
    });
    part.append(same);
    return part;
  };

  const card = (entry) => {
    const part = make("article", "case card is-" + entry.status);
    const body = make("div", "body");
    if (entry.question !== "") body.append(field(entry.drawn.length ? "prompt" : "question", entry.question));
    entry.answers.forEach((answer) => body.append(field("answer", answer, "answer")));
    if (entry.gold !== "") body.append(field("expected", entry.gold));
    if (entry.error) body.append(field("error", entry.error, "bad"));
    if (entry.reason !== "") body.append(field("reason", entry.reason, "reason"));
    body.append(facts(entry));
    const row = make("div", "row");
    if (entry.pictures.length || entry.drawn.length) row.append(gallery(entry));
    row.append(body);
    part.append(head(entry), row);
    return part;
  };

  const hay = (entry) => {
    entry.hay ??= [entry.task, entry.model, entry.case, entry.question, ...entry.answers, entry.gold, entry.reason,
      entry.error, ...entry.facts.flat()].join("\n").toLowerCase();
    return entry.hay;
  };

  const more = () => {
    const part = document.createDocumentFragment();
    matching.slice(shown, shown + STEP).forEach((entry) => part.append(card(entry)));
    shown = Math.min(shown + STEP, matching.length);
    list.append(part);
    further.hidden = shown >= matching.length;
    byId("found").textContent = matching.length
      ? `${shown.toLocaleString("en")} of ${matching.length.toLocaleString("en")} cases that match`
      : "No case matches.";
  };

  const ofModel = (entry, wanted) =>
    wanted === "" || (wanted === "under test" ? !entry.player : wanted === "null players" ? entry.player : false);

  const apply = () => {
    const model = byId("model").selectedOptions[0];
    const task = byId("task").selectedOptions[0];
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const within = data.cases.filter((entry) =>
      (model.dataset.one === undefined ? ofModel(entry, model.value) : entry.model === model.dataset.one) &&
      (task.dataset.one === undefined || entry.task === task.dataset.one) &&
      words.every((word) => hay(entry).includes(word)));
    const counts = {};
    within.forEach((entry) => { counts[entry.status] = (counts[entry.status] || 0) + 1; });
    for (const chip of byId("statuses").querySelectorAll("button")) {
      chip.setAttribute("aria-pressed", String(chosen.has(chip.dataset.status)));
      chip.lastChild.textContent = (counts[chip.dataset.status] || 0).toLocaleString("en");
    }
    matching = within.filter((entry) => chosen.has(entry.status));
    shown = 0;
    list.replaceChildren();
    more();
  };

  const option = (label, value, one) => {
    const part = make("option", "", label);
    part.value = value;
    if (one) part.dataset.one = label;
    return part;
  };

  const chip = (status) => {
    const part = make("button", "chip is-" + status);
    part.type = "button";
    part.dataset.status = status;
    part.append(make("span", "", status), make("span", "count", ""));
    part.addEventListener("click", () => {
      if (!chosen.delete(status)) chosen.add(status);
      apply();
    });
    return part;
  };

  const present = new Set(data.cases.map((entry) => entry.status));
  data.order.filter((status) => present.has(status)).forEach((status) => byId("statuses").append(chip(status)));
  const players = data.cases.some((entry) => entry.player);
  if (data.cases.some((entry) => !entry.player)) byId("model").append(option("all under test", "under test"));
  if (players) byId("model").append(option("all null players", "null players"), option("all", ""));
  const models = [...new Set(data.cases.filter((e) => !e.player).map((e) => e.model)),
    ...new Set(data.cases.filter((e) => e.player).map((e) => e.model))];
  models.forEach((name, at) => byId("model").append(option(name, "m" + at, true)));
  if (!byId("model").options.length) byId("model").append(option("all", ""));
  byId("task").append(option("all tasks", ""));
  [...new Set(data.cases.map((entry) => entry.task))].sort()
    .forEach((name, at) => byId("task").append(option(name, "t" + at, true)));

  let waiting = 0;
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("model").addEventListener("change", apply);
  byId("task").addEventListener("change", apply);
  byId("search").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 150);
  });
  byId("blur").addEventListener("change", (event) => list.classList.toggle("blurred", event.target.checked));
  further.addEventListener("click", more);
  apply();
})();
