// The body of a text: as written, as code, or as the tree that the server made of it

const INVISIBLE = new RegExp(
  "(?:[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c" +
    "\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]|\\r(?!\\n)" +
    // Joiners belong to Persian, Indic scripts and emoji, not to ASCII.
    "|(?<![^\\0-\\x7f])[\\u200c\\u200d]|[\\u200c\\u200d](?![^\\0-\\x7f]))+",
  "gu",
);
// Direction marks act on their neighbours; overrides and embeddings must not.
const DIRECTION_MARKS = /^[\u061c\u200e\u200f]+$/;
const MOST_BOXES = 5000;
const MOST_CODES = 3;

// Pieces of a text for the page: what cannot be seen gets a box with its code. The
// boxes hold the text itself, so that places in the text stay what they are.
function boxed(text) {
  const pieces = [];
  let at = 0;
  for (const { 0: run, index } of text.matchAll(INVISIBLE)) {
    if (pieces.length > 2 * MOST_BOXES) break;
    const alone = DIRECTION_MARKS.test(run) ? "" : " alone";
    const box = make("span", "invisible" + alone, run);
    box.dataset.code = codesOf(run);
    pieces.push(text.slice(at, index), box);
    at = index + run.length;
  }
  pieces.push(text.slice(at));
  return pieces;
}

function codesOf(run) {
  const signs = Array.from(run);
  const codes = [...new Set(signs)].map(
    (sign) => "U+" + sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0"),
  );
  const more = codes.length > MOST_CODES ? " …" : "";
  const times = signs.length > codes.length ? " ×" + signs.length : "";
  return codes.slice(0, MOST_CODES).join(" ") + more + times;
}

const ELEMENTS = new Map(
  Object.entries({
    ...{ p: "p", h1: "div", h2: "div", h3: "div", h4: "div", h5: "div", h6: "div" },
    ...{ blockquote: "blockquote", hr: "hr", br: "br", ul: "ul", ol: "ol", li: "li" },
    ...{ pre: "pre", code: "code", em: "em", strong: "strong", s: "s", info: "div" },
    ...{ table: "table", thead: "thead", tbody: "tbody", tr: "tr", th: "th", td: "td" },
    ...{ link: "span", image: "span", address: "span" },
  }),
);

function drawNode(node) {
  if (typeof node === "string") return boxed(node);
  const [tag, ...inside] = node;
  const drawn = make(ELEMENTS.get(tag) ?? "span", ELEMENTS.has(tag) ? "as-" + tag : "");
  if (/^h\d$/.test(tag)) {
    // Below the title of the panel, which is a heading of the second level.
    drawn.setAttribute("role", "heading");
    drawn.setAttribute("aria-level", Math.min(6, Number(tag[1]) + 2));
  }
  if (inside[0]?.[0] === "number") drawn.start = Number(inside.shift()[1]);
  if (/^(p|h\d|li|pre|th|td)$/.test(tag)) drawn.dir = "auto";
  drawn.append(...inside.flatMap(drawNode));
  return [drawn];
}

// Draws a text, or its tree, into its body. Marks go into `.flow`, which holds the
// text and nothing else, in the forms `raw` and `code`.
function drawBody(body, text, tree) {
  if (tree) return body.replaceChildren(...tree.flatMap(drawNode));
  const flow = make("span", "flow");
  flow.append(...boxed(text));
  body.replaceChildren(flow);
}

function setForm(body, form, text) {
  body.className = "text " + form;
  body.dir = form === "code" ? "ltr" : "auto";
  if (form === "code") body.dataset.numbers = lineNumbers(text);
  else delete body.dataset.numbers;
}

function lineNumbers(text) {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return Array.from({ length: lines }, (_, number) => number + 1).join("\n");
}

// Places in code points, ascending, as ranges of the text nodes that hold them.
function rangesIn(flow, places) {
  const texts = document.createTreeWalker(flow, NodeFilter.SHOW_TEXT);
  let node = texts.nextNode();
  let [unit, point] = [0, 0];
  const spot = (place) => {
    while (point < place) {
      if (unit < node.data.length) {
        unit += node.data.codePointAt(unit) > 0xffff ? 2 : 1;
        point += 1;
      } else {
        node = texts.nextNode();
        unit = 0;
      }
    }
    return [node, unit];
  };
  return places.map(([start, end]) => {
    const range = document.createRange();
    const [from, to] = [spot(start), spot(end)];
    range.setStart(...from);
    range.setEnd(...to);
    return range;
  });
}
