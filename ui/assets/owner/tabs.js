// Which part is shown, and what buttons do

const SHOW = {
  standing: showStanding,
  raters: showRaters,
  remarks: showRemarks,
  leaks: showLeaks,
  case: showCases,
  report: showReport,
  files: () => undefined,
};
const LIVE = new Set(["standing", "raters", "remarks", "report"]);

const tabs = [...element.querySelectorAll("[role=tab]")];

function open(name) {
  tab = name;
  for (const button of tabs) {
    const chosen = button.dataset.tab === name;
    button.setAttribute("aria-selected", chosen);
    button.tabIndex = chosen ? 0 : -1;
    element.querySelector("#panel-" + button.dataset.tab).hidden = !chosen;
  }
  history.replaceState(null, "", "#" + name);
  SHOW[name]();
}

async function listCampaigns() {
  const reply = await ask("ask_standing");
  for (const { name } of reply?.campaigns ?? []) {
    const option = make("option", "", name);
    option.value = name;
    part("campaign").append(option);
  }
  part("which").hidden = part("campaign").options.length < 2;
}

const BUTTONS = {
  report: makeReport,
  back: () => step(-1),
  next: () => step(1),
  older: showOlder,
  copy: copyLink,
  link: (data) => makeLink(data.name),
  revoke: (data) => revoke(Number(data.rater)),
  whole: (data) => showWhole(Number(data.assignment)),
  again: (data) => showCase(Number(data.unit)),
  leave: async () => {
    await fetch(new URL("leave", location.href), { method: "POST" });
    location.reload();
  },
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do], [data-tab]");
  if (button?.dataset.tab) open(button.dataset.tab);
  else if (button) BUTTONS[button.dataset.do](button.dataset);
});
element.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const at = tabs.indexOf(event.target);
  if (!by || at < 0) return;
  const next = tabs[(at + by + tabs.length) % tabs.length];
  next.focus();
  open(next.dataset.tab);
});
element.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target === part("invite")) makeLink(part("name").value);
  else decide();
});
part("flagged").addEventListener("change", () => {
  older = [];
  showRemarks();
});
part("campaign").addEventListener("change", showCases);

async function keepFresh() {
  if (!document.hidden && LIVE.has(tab)) await SHOW[tab]();
  setTimeout(keepFresh, EVERY);
}

listCampaigns().then(() => open(location.hash.slice(1) in SHOW ? location.hash.slice(1) : tab));
setTimeout(keepFresh, EVERY);
