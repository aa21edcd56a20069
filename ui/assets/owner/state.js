// The owner's page. Texts of models and data only ever pass through textContent.
const part = (name) => element.querySelector('[data-part="' + name + '"]');
const EVERY = 5000;

let tab = "standing";

function make(tag, className, ...inside) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside.map((one) => (one instanceof Node ? one : String(one))));
  return node;
}

function act(name, label, data) {
  const button = make("button", "quiet small", label);
  button.type = "button";
  button.dataset.do = name;
  Object.assign(button.dataset, data);
  return button;
}

// As reports round: the last bits of a sum must not decide a half.
const rounded = (number) => Number(number.toPrecision(12)).toFixed(2);

// As raters' pages call them, so that comments and answers mean the same.
const outputName = (outputs, place) =>
  outputs.length === 1 ? "Output" : "Output " + "ABCDE"[place];

// Makes a part look like a newly drawn one and leaves alone what has not changed, so
// that neither scroll, focus nor an open detail is lost.
function draw(name, ...inside) {
  const wanted = part(name).cloneNode(false);
  wanted.append(...inside);
  morph(part(name), wanted);
}

function morph(live, wanted) {
  for (const { name } of [...live.attributes]) {
    if (name !== "open" && !wanted.hasAttribute(name)) live.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  const keyed = new Map([...live.children].map((node) => [node.dataset.key, node]));
  let at = live.firstChild;
  for (const node of [...wanted.childNodes]) {
    const same = node.dataset?.key ? keyed.get(node.dataset.key) : at;
    if (!same || !alike(same, node)) {
      live.insertBefore(node, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else live.insertBefore(same, at);
    if (same.nodeType === Node.TEXT_NODE) {
      if (same.nodeValue !== node.nodeValue) same.nodeValue = node.nodeValue;
    } else {
      morph(same, node);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const alike = (one, other) =>
  one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;

function complain(text) {
  part("problem").textContent = text;
  part("problem").hidden = !text;
}

async function ask(name, message = {}) {
  // It gives nothing where the server cannot be reached or fails.
  const reply = await server[name](message).catch(() => undefined);
  const error = reply ? reply.error : "The server cannot be reached; trying again.";
  complain(error ?? "");
  return error ? undefined : reply;
}

const two = (number) => String(number).padStart(2, "0");

function clock(stamp) {
  const time = new Date(stamp);
  const day = time.toDateString() === new Date().toDateString() ? "" :
    time.getFullYear() + "-" + two(time.getMonth() + 1) + "-" + two(time.getDate()) + " ";
  return day + two(time.getHours()) + ":" + two(time.getMinutes());
}

function span(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute";
  if (minutes < 120) return minutes + " min";
  const hours = minutes / 60;
  return hours < 48 ? hours.toFixed(1) + " h" : Math.round(hours / 24) + " days";
}

function table(head, rows, foot) {
  const line = (cells, tag, key) => {
    const row = make("tr", "", ...cells.map((cell, place) => {
      const node = make(place === 0 ? "th" : tag, "", cell);
      if (place === 0) node.scope = tag === "th" ? "col" : "row";
      else if (tag === "th") node.scope = "col";
      return node;
    }));
    if (key) row.dataset.key = key;
    return row;
  };
  const whole = make("table", "",
    make("thead", "", line(head, "th")),
    make("tbody", "", ...rows.map((cells) => line(cells.slice(1), "td", cells[0]))));
  if (foot) whole.append(make("tfoot", "", line(foot, "td")));
  return make("div", "sheet", whole);
}
