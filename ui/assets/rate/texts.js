// The texts to be judged, and other ways to look at them

const DIFFERENCE = "tandem-difference";

function textPanel(title, text, nothing, className) {
  const panel = make("section", "panel " + className);
  const heading = make("h2", "", title + " ");
  const body = make("div", "text raw");
  heading.append(make("span", "form hint"));
  body.dir = "auto";
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", title);
  if (text.trim()) {
    drawBody(body, text);
  } else {
    body.textContent = text ? "(" + nothing + " but white space)" : "(" + nothing + ")";
    body.className = "text nothing";
    body.dir = "ltr";
  }
  panel.append(heading, body);
  return panel;
}

function drawTexts(shown) {
  const one = shown.outputs.length === 1;
  const panels = [textPanel("Prompt", shown.prompt, "nothing", "prompt")];
  shown.references.forEach((text, place) => {
    const number = shown.references.length > 1 ? " " + (place + 1) : "";
    panels.push(textPanel("A right answer" + number, text, "nothing", "reference"));
  });
  shown.outputs.forEach((text, place) => {
    const title = one ? "Output to judge" : "Output " + (place + 1);
    panels.push(textPanel(title, text, "the model wrote nothing", "output"));
  });
  part("texts").replaceChildren(...panels);
  part("instructions").textContent = shown.instructions;
  part("instructions").hidden = !shown.instructions;
  // Every text is first seen in the form that the task is for.
  asWritten = false;
  differences = null;
  drawForms();
}

// Bodies of references, then of outputs, as in `shown.rendered`.
function bodies() {
  return [...part("texts").querySelectorAll(".panel:not(.prompt) > .text")];
}

function drawForms() {
  const { shown } = screen;
  const texts = [...shown.references, ...shown.outputs];
  const markdown = shown.render === "markdown";
  bodies().forEach((body, place) => {
    const text = texts[place];
    if (!text.trim()) return;
    const tree = asWritten ? null : shown.rendered[place];
    const form = tree ? "markdown" : shown.render === "code" && !asWritten ? "code" : "raw";
    if (markdown) drawBody(body, text, tree);
    setForm(body, form, text);
    const tooMuch = markdown && !asWritten && !tree;
    const note = tooMuch ? "as written: it cannot be drawn as Markdown" : "as written";
    body.parentNode.querySelector(".form").textContent = tooMuch || asWritten ? note : "";
  });
  part("written").hidden = shown.render === "raw";
  part("written").setAttribute("aria-pressed", asWritten);
  part("compare").hidden = !comparable();
  drawDifferences();
}

function toggleWritten() {
  if (!screen?.shown || screen.shown.render === "raw") return;
  asWritten = !asWritten;
  drawForms();
}

// As `harness.desk.compared` has it. Highlights leave the text and marks in it alone.
function comparable() {
  const { outputs, references, render } = screen?.shown ?? { outputs: [] };
  const both = outputs.length > 1 ? outputs : [...(references ?? []), ...outputs];
  const two = both.length === 2 && both.every((text) => text.trim());
  return two && render !== "markdown" && "highlights" in CSS;
}

async function toggleDifferences() {
  if (!comparable() || busy) return;
  const { token } = screen.shown;
  if (differences) {
    differences = null;
  } else {
    const reply = await request("differences", { token }, "Comparing…");
    if (!reply?.differences || screen.shown?.token !== token) return;
    differences = reply.differences;
    const { first, second } = differences;
    if (!first.length && !second.length) say("The two texts are the same", "");
  }
  drawDifferences();
}

function drawDifferences() {
  part("compare").setAttribute("aria-pressed", Boolean(differences));
  CSS.highlights?.delete(DIFFERENCE);
  if (!differences) return;
  const [first, second] = bodies()
    .slice(-2)
    .map((body) => body.querySelector(".flow"));
  const marked = new Highlight();
  rangesIn(first, differences.first).forEach((range) => marked.add(range));
  rangesIn(second, differences.second).forEach((range) => marked.add(range));
  CSS.highlights.set(DIFFERENCE, marked);
}
