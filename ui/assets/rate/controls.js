// The questions: which is marked, which is answered

const DRAW = { choice: drawChoice };

function groups() {
  return [...part("controls").querySelectorAll(".criterion")];
}

function activate(place) {
  active = place;
  groups().forEach((group, other) => group.classList.toggle("active", other === place));
}

function answered(place) {
  return values[screen.shown.controls[place].name] !== undefined;
}

function firstUnanswered(after) {
  const count = screen.shown.controls.length;
  for (let step = 1; step <= count; step += 1) {
    const place = (after + step) % count;
    if (!answered(place)) return place;
  }
  return after;
}
