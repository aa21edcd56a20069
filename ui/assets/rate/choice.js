// Radio buttons: one question with a few answers

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

function drawChoice(control, place) {
  const group = make("fieldset", "criterion");
  group.tabIndex = -1;
  group.append(make("legend", "", control.question));
  if (control.definition) {
    const definition = make("p", "definition", control.definition);
    definition.id = "tandem-definition-" + place;
    group.setAttribute("aria-describedby", definition.id);
    group.append(definition);
  }
  const labels = control.options.filter((option) => option.label).length;
  const form = labels === control.options.length ? "list" : labels ? "scale anchored" : "scale";
  const options = make("div", "options " + form);
  options.append(...control.options.map((option) => drawOption(control, option)));
  group.append(options);
  group.addEventListener("focusin", () => activate(place));
  group.addEventListener("change", (event) => {
    const chosen = control.options.find((option) => String(option.value) === event.target.value);
    values[control.name] = chosen.value;
    part("problem").hidden = true;
    writeDraft();
  });
  group.addEventListener("click", (event) => {
    // Arrow keys click too, with no detail; only a pointer goes on by itself.
    if (event.target.matches("input") && event.detail > 0) activate(firstUnanswered(place));
  });
  return group;
}
