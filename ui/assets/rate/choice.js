// Radio buttons: one question with a few answers

// Of more answers beside each other, anchors would have no room for a word.
const MOST_BESIDE = 7;

const CHOICE = {
  keys: [["1 – 9", "answer the marked question and go on to the next"]],
  draw(control, group, place) {
    const count = control.options.length;
    const labels = control.options.filter((option) => option.label).length;
    const list = labels === count || (labels && count > MOST_BESIDE);
    const form = list ? "list" : labels ? "scale anchored" : "scale";
    const options = make("div", "options " + form);
    options.append(...control.options.map((option) => drawOption(control, option)));
    group.append(options);
    group.addEventListener("change", (event) => {
      const chosen = control.options.find((option) => String(option.value) === event.target.value);
      give(control, chosen.value);
    });
    group.addEventListener("click", (event) => {
      // Arrow keys click too, with no detail; only a pointer goes on by itself.
      if (event.target.matches("input") && event.detail > 0) activate(firstMissing(place));
    });
  },
  focus(group) {
    // Not its first answer: a mark around one of them would be a suggestion.
    (group.querySelector("input:checked") ?? group).focus();
  },
  press(key, control, group) {
    const option = control.options.find((candidate) => candidate.key === key);
    if (!option) return;
    give(control, option.value);
    group.querySelectorAll("input").forEach((radio) => {
      radio.checked = radio.value === String(option.value);
    });
    goOn();
  },
};

function drawOption(control, option) {
  const label = make("label", "option");
  const radio = make("input");
  radio.type = "radio";
  radio.name = "tandem-" + control.name;
  radio.value = option.value;
  radio.checked = values[control.name] === option.value;
  const number = make("span", "number", option.key);
  label.append(radio, number, make("span", "anchor", option.label));
  return label;
}
