"use strict";
// Which items are shown, and which one is looked at. Texts are only read here.
(() => {
  const items = [...document.querySelectorAll(".item")];
  const find = document.getElementById("find");
  const count = document.getElementById("count");
  const words = items.map((item) => item.textContent.toLowerCase());

  const filter = () => {
    const wanted = find.value.toLowerCase().trim();
    items.forEach((item, at) => { item.hidden = !words[at].includes(wanted); });
    const shown = items.filter((item) => !item.hidden).length;
    count.textContent = wanted ? `${shown} of ${items.length} items` : "";
  };

  const go = (by) => {
    const shown = items.filter((item) => !item.hidden);
    const at = shown.indexOf(document.activeElement.closest?.(".item"));
    const next = shown[Math.min(Math.max(at + by, 0), shown.length - 1)];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView();
  };

  for (const name of ["removed", "unchanged"]) {
    const box = document.getElementById(name);
    const show = () =>
      document.documentElement.classList.toggle(`without-${name}`, !box.checked);
    box.addEventListener("change", show);
    show();
  }
  find.addEventListener("input", filter);
  find.form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === find) {
      if (event.key === "Escape") { find.value = ""; filter(); find.blur(); }
      return;
    }
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "/") { event.preventDefault(); find.focus(); }
  });
  // A long text is shown from its first change on, with some lines before it.
  const long = [...document.querySelectorAll(".text")].filter(
    (text) => text.scrollHeight > text.clientHeight,
  );
  const tops = long.map((text) => {
    const change = text.querySelector("ins, del");
    return change ? change.getBoundingClientRect().top - text.getBoundingClientRect().top : 0;
  });
  long.forEach((text, at) => { text.scrollTop = tops[at] - text.clientHeight / 3; });
  filter();
})();
