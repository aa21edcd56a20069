// The rating page. Texts of models and data only ever pass through textContent.
const part = (name) => element.querySelector('[data-part="' + name + '"]');
const DRAFT = "tandem-draft-";
const REOPENED = "tandem-reopened";
const GONE = "Your answer is still on this page and was not stored: ";
const BY_TOUCH = matchMedia("(pointer: coarse)").matches;

let screen = null;
let values = {};
let active = 0;
let busy = false;
let asWritten = false;
let differences = null;
let looked = 0;
let since = null;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
