"use strict";

// The token lives in this variable only: closing the page forgets it.
let token = "";
let card = null;

const byId = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

async function ask(path, body) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (body) headers["Content-Type"] = "application/octet-stream";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body });
  } catch {
    throw new Refused(0, "no_answer", "the server does not answer");
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Refused(response.status, "no_json", `the server answered with status ${response.status}`);
  }
  if (!response.ok) throw new Refused(response.status, answer.error.code, answer.error.message);
  return answer;
}

// A server that is busy is asked again a few times.
async function patiently(path, body) {
  for (let tries = 1; ; tries++) {
    try {
      return await ask(path, body);
    } catch (error) {
      if (error.status !== 429 || tries === 10) throw error;
      await new Promise((wake) => setTimeout(wake, 500 * tries));
    }
  }
}

async function begin() {
  try {
    card = await ask("/v1/model");
  } catch (error) {
    if (error.status !== 401) {
      byId("status").textContent = `Error: ${error.message}`;
      return;
    }
    byId("token-form").hidden = false;
    byId("token-error").textContent = token ? error.message : "";
    byId("token").focus();
    return;
  }
  byId("token-form").hidden = true;
  showCard();
}

function showCard() {
  byId("name").textContent = card.name;
  byId("synthetic").hidden = !card.synthetic;
  const { preprocessing, tested, calibration } = card;
  const side = preprocessing.image_size;
  const facts = [
    [ofFindings() ? "Findings" : "Classes", card.classes.join(", ")],
    ["Network", `${card.kind}, ${side}×${side} pixels, ${card.precision}`],
    ["Trained on", card.synthetic ? "phantoms, which are no radiographs" : "radiographs; the run's report says which"],
    ["Epoch", String(card.epoch)],
    ["Preprocessing", `${preprocessing.interpolation} to ${side}×${side}, input scale ${preprocessing.input_scale}`],
    ["Calibration", calibrated(calibration)],
    ["Tested on", tested ? `${tested.images} images, ${ofFindings() ? `macro ROC AUC ${tested.macro_roc_auc.toFixed(3)}` : `accuracy ${percent(tested.accuracy)}`}` : "not tested"],
  ];
  for (const row of tested ? tested.classes : []) {
    const of = (value) => (value === null ? "–" : percent(value));
    facts.push([row.label, `sensitivity ${of(row.sensitivity)}, specificity ${of(row.specificity)} (${row.support} images)`]);
  }
  facts.push(["Intended use", card.intended_use], ["Notice", card.notice]);
  facts.push(["Versions", `thorax ${card.versions.thorax}, libtorch ${card.versions.libtorch}`]);
  byId("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function ofFindings() {
  return card.task === "multi-label";
}

function calibrated(calibration) {
  if (ofFindings()) {
    const some = (calibration.labels || []).some((label) => label.temperature);
    return some ? "a temperature for each finding" : "none: probabilities are the network's own";
  }
  return calibration.temperature ? `temperature ${calibration.temperature.toFixed(3)}` : "none: probabilities are the network's own";
}

function element(kind, text, name) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

async function take(files) {
  for (const file of files) {
    const article = byId("result").content.cloneNode(true).querySelector("article");
    article.querySelector("h2").textContent = file.name;
    byId("results").prepend(article);
    byId("status").textContent = `Reading ${file.name} …`;
    await classify(file, article);
  }
}

async function classify(file, article) {
  try {
    if (!card) throw new Refused(401, "no_token", "give the token of this server first");
    if (file.size > card.limits.upload_bytes) {
      throw new Refused(413, "body_too_large", `the file has more than ${card.limits.upload_bytes} bytes`);
    }
    if (file.size === 0) throw new Refused(400, "no_image", "the file is empty");
    const answer = await patiently("/v1/predict?view=true", file);
    show(file, article, answer);
    const likely = answer.probabilities[answer.predicted];
    byId("status").textContent = `${file.name}: ${answer.predicted}, ${percent(likely)}`;
  } catch (error) {
    const line = article.querySelector(".error");
    line.textContent = `Error: ${error.message}`;
    line.hidden = false;
    byId("status").textContent = `${file.name}: no answer`;
  }
}

function show(file, article, answer) {
  const warnings = article.querySelector(".warnings");
  const told = answer.note === null ? answer.warnings : [...answer.warnings, answer.note];
  warnings.replaceChildren(...told.map((warning) => element("li", warning)));
  warnings.hidden = told.length === 0;
  const { png, width, height } = answer.image;
  const image = article.querySelector(".shown");
  image.src = `data:image/png;base64,${png}`;
  image.alt = `${file.name} as the server decoded it`;
  // Both pictures are square, as the network sees them: here they get the sides of the image again.
  article.querySelector(".picture").style.aspectRatio = `${width} / ${height}`;
  article.querySelector(".predicted").textContent = summary(answer);
  article.querySelector(".bars").replaceChildren(...card.classes.map((name) => bar(name, answer)));
  const select = article.querySelector("select");
  select.replaceChildren(...card.classes.map((name) => element("option", name)));
  select.value = ofFindings() ? answer.positive[0] || card.classes[0] : answer.predicted;
  const button = article.querySelector("button");
  button.addEventListener("click", () => explain(file, article, select.value, button));
  article.querySelector(".parts").hidden = false;
}

function summary(answer) {
  if (ofFindings()) {
    const found = answer.positive.length > 0 ? answer.positive.join(", ") : "none";
    return `At or above their thresholds: ${found}. Findings are independent: their probabilities do not add up to 100 %.`;
  }
  const decided = answer.decision === answer.predicted ? "" : ` (decision: ${answer.decision})`;
  return `Predicted: ${answer.predicted}${decided}`;
}

function bar(name, answer) {
  const isBest = ofFindings() ? answer.positive.includes(name) : name === answer.predicted;
  const row = element("li", "", isBest ? "best" : "");
  const label = element("div", "", "label");
  label.append(element("span", name), element("span", percent(answer.probabilities[name])));
  const track = element("div", "", "track");
  track.setAttribute("aria-hidden", "true");
  const fill = element("div", "", "fill");
  fill.style.width = `${100 * answer.probabilities[name]}%`;
  track.append(fill);
  row.append(label, track);
  const point = answer.operating_points && answer.operating_points[name];
  if (point) {
    const side = point.positive ? "at or above" : "below";
    row.append(element("p", `${side} its threshold of ${percent(point.threshold)}`, "point"));
  }
  return row;
}

async function explain(file, article, name, button) {
  // A button that is disabled would lose the focus.
  if (button.ariaDisabled) return;
  const note = article.querySelector(".map-note");
  button.ariaDisabled = "true";
  note.textContent = "Computing the heat map …";
  try {
    const { explanation } = await patiently(`/v1/explain?class=${encodeURIComponent(name)}`, file);
    const heat = article.querySelector(".heat");
    heat.src = `data:image/png;base64,${explanation.colours}`;
    heat.hidden = explanation.empty;
    const slider = article.querySelector(".opacity");
    slider.hidden = explanation.empty;
    article.querySelector(".legend").hidden = explanation.empty;
    const input = slider.querySelector("input");
    const fade = () => { heat.style.opacity = input.value / 100; };
    input.oninput = fade;
    fade();
    note.textContent = explanation.empty
      ? `Nothing in the image speaks for ${explanation.class} (${explanation.method}).`
      : `${explanation.method} for ${explanation.class}: ${percent(explanation.central_share)} of it in the central field. It helps to find faults and proves nothing.`;
  } catch (error) {
    note.textContent = `Error: ${error.message}`;
  }
  button.ariaDisabled = null;
}

const drop = byId("drop");
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  take([...event.dataTransfer.files]);
});
// A file dropped beside the field would replace the page.
for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
byId("files").addEventListener("change", (event) => {
  const files = [...event.target.files];
  event.target.value = "";
  take(files);
});
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  byId("token").value = "";
  begin();
});
begin();
