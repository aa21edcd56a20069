// The texts to be judged

function textPanel(title, text, nothing, className) {
  const panel = make("section", "panel " + className);
  const heading = make("h2", "", title);
  const body = make("div", "text", text);
  body.dir = "auto";
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", title);
  if (!text.trim()) {
    body.textContent = text ? "(" + nothing + " but white space)" : "(" + nothing + ")";
    body.classList.add("nothing");
    body.dir = "ltr";
  }
  panel.append(heading, body);
  return panel;
}

// By letter, not by side: on a narrow screen no output is on the left.
function letter(place) {
  return "ABCDE"[place];
}

function drawTexts(shown) {
  const one = shown.outputs.length === 1;
  const panels = [textPanel("Prompt", shown.prompt, "nothing", "prompt")];
  shown.references.forEach((text, place) => {
    const number = shown.references.length > 1 ? " " + (place + 1) : "";
    panels.push(textPanel("A right answer" + number, text, "nothing", "reference"));
  });
  const outputs = make("div", "outputs");
  shown.outputs.forEach((text, place) => {
    const title = one ? "Output to judge" : "Output " + letter(place);
    outputs.append(textPanel(title, text, "the model wrote nothing", "output"));
  });
  panels.push(outputs);
  part("texts").replaceChildren(...panels);
  part("instructions").textContent = shown.instructions;
  part("instructions").hidden = !shown.instructions;
}
