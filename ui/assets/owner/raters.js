// Raters: who takes part, and their links

let sure = null;

async function showRaters() {
  const reply = await ask("ask_raters");
  if (!reply) return;
  if (!reply.raters.length) {
    return draw("raters", make("p", "hint", "Nobody has been invited yet."));
  }
  draw("raters", table(
    ["Rater", "Rated", "Skipped", "Last seen", "Links", "Signed in", ""],
    reply.raters.map((one) => [
      "rater-" + one.id,
      raterName(one),
      one.rated,
      one.skipped,
      one.last_seen ? clock(one.last_seen) : "never",
      one.links || "none",
      one.sessions || "no",
      make("span", "row", act("link", "New link", { name: one.name }), revokeButton(one)),
    ])));
}

function raterName(one) {
  const name = make("span", "label", one.name);
  name.dir = "auto";
  if (one.kind !== "person") name.append(make("small", "", one.kind));
  return name;
}

function revokeButton(one) {
  const asked = sure === one.id;
  const button = act("revoke", asked ? "Really revoke" : "Revoke", { rater: one.id });
  button.disabled = !one.links && !one.sessions;
  if (asked) button.classList.add("danger");
  return button;
}

async function makeLink(name) {
  const reply = await ask("make_link", { name });
  if (!reply) return;
  part("name").value = "";
  part("made-for").textContent = name;
  part("made-link").textContent = new URL("../i/" + reply.invite, location.href).href;
  part("made").hidden = false;
  showRaters();
}

async function revoke(rater) {
  if (sure !== rater) {
    sure = rater;
    setTimeout(() => { sure = null; if (tab === "raters") showRaters(); }, 6000);
  } else {
    sure = null;
    await ask("revoke_rater", { rater });
    part("made").hidden = true;
  }
  showRaters();
}

async function copyLink() {
  const link = part("made-link");
  getSelection().selectAllChildren(link);
  // Browsers give it only to pages behind TLS or of this machine; else it is marked.
  await navigator.clipboard?.writeText(link.textContent).catch(() => undefined);
}
