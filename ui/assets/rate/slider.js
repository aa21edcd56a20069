// Sliders: a place on a line from 0 to 100, which has none until it is touched

const MIDDLE = 50;
const HOW_TO_PLACE = BY_TOUCH ? "tap the line" : "click the line, or type 0 – 100";
let typed = "";

const SLIDER = {
  keys: [
    ["0 – 9", "place the marked slider: 7 is 70, 7 5 is 75, 0 5 is 5, 1 0 0 is 100"],
    ["← →", "one less or more, from 50 at first; Page ↑ ↓ ten, Home 0, End 100"],
    ["⌫", "take the slider's place away"],
  ],
  draw(control, group) {
    typed = "";
    const line = make("div", "line");
    const range = drawRange(control, group);
    const bubble = make("span", "bubble");
    // The slider itself says its value to screen readers.
    bubble.setAttribute("aria-hidden", "true");
    line.append(bubble, range, ...drawTicks(control));
    const anchors = drawAnchors(control);
    anchors.id = group.id + "-anchors";
    range.setAttribute("aria-describedby", anchors.id);
    group.append(line, anchors);
    putSlider(control, group, values[control.name]);
  },
  focus(group) {
    group.querySelector("input").focus();
  },
  press(key, control, group) {
    const more = typed + key;
    typed = more.length < 3 || more === "100" ? more : key;
    putSlider(control, group, Number(typed) * (typed.length === 1 ? 10 : 1));
    group.querySelector("input").focus();
  },
};

function drawRange(control, group) {
  const range = make("input");
  range.type = "range";
  range.max = 100;
  range.setAttribute("aria-label", control.question);
  const take = () => {
    typed = "";
    putSlider(control, group, Number(range.value));
  };
  range.addEventListener("input", take);
  // A click on the very middle changes nothing and hence gives no input event.
  range.addEventListener("pointerup", take);
  range.addEventListener("keydown", (event) => {
    const first = /^(Arrow|Page)/.test(event.key) && values[control.name] === undefined;
    const away = event.key === "Backspace" || event.key === "Delete";
    if (!first && !away) return;
    event.preventDefault();
    typed = "";
    putSlider(control, group, first ? MIDDLE : undefined);
  });
  return range;
}

function putSlider(control, group, value) {
  const range = group.querySelector("input");
  const known = value !== undefined;
  const anchor = control.options.find((option) => option.value === value)?.label;
  group.classList.toggle("untouched", !known);
  group.style.setProperty("--at", known ? value : MIDDLE);
  range.value = known ? value : MIDDLE;
  range.setAttribute(
    "aria-valuetext",
    known ? value + (anchor ? ", " + anchor : "") : "not placed yet",
  );
  group.querySelector(".bubble").textContent = known ? value : HOW_TO_PLACE;
  if (known || values[control.name] !== undefined) give(control, value);
}

function ends(control) {
  const named = control.options.map((option) => option.value);
  const bare = [0, 100].filter((at) => !named.includes(at));
  return [...control.options, ...bare.map((value) => ({ value, label: "" }))].sort(
    (one, other) => one.value - other.value,
  );
}

function drawTicks(control) {
  return ends(control).map(({ value }) => {
    const tick = make("span", "tick");
    tick.style.setProperty("--at", value);
    return tick;
  });
}

function drawAnchors(control) {
  const all = ends(control);
  const anchors = make("div", "anchors");
  all.forEach(({ value, label }, number) => {
    // Each has the room up to half way to its neighbours, in half points.
    const from = number ? value + all[number - 1].value : 0;
    const to = number < all.length - 1 ? value + all[number + 1].value : 200;
    const reach = Math.min(2 * value - from, to - 2 * value);
    const side = value <= 5 ? "start" : value >= 95 ? "end" : "center";
    const node = make("span", "at-" + side);
    const [first, last] = {
      start: [2 * value, to],
      end: [from, 2 * value],
      center: [2 * value - reach, 2 * value + reach],
    }[side];
    node.style.gridColumn = first + 1 + " / " + (last + 1);
    node.append(make("b", "", value), " " + label);
    anchors.append(node);
  });
  return anchors;
}
