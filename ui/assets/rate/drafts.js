// Drafts: what is typed survives a reload; the server knows answers alone

function readDraft(token) {
  try {
    return JSON.parse(localStorage.getItem(DRAFT + token)) || {};
  } catch {
    return {};
  }
}

function writeDraft() {
  const comment = part("comment").value;
  const draft = JSON.stringify({ values, comment, flagged: part("flag").checked });
  try {
    localStorage.setItem(DRAFT + screen.shown.token, draft);
  } catch {
    // A browser may forbid storage; then a reload loses what was typed.
  }
}

// Which answer this tab has open again, so that a reload does not leave it.
function rememberReopened(token) {
  try {
    sessionStorage.setItem(REOPENED, token);
  } catch {
    // As above.
  }
}

function lastReopened() {
  try {
    return sessionStorage.getItem(REOPENED);
  } catch {
    return "";
  }
}

function dropDrafts(prefix) {
  try {
    Object.keys(localStorage)
      .filter((key) => key.startsWith(DRAFT + prefix))
      .forEach((key) => localStorage.removeItem(key));
  } catch {
    // As above.
  }
}
