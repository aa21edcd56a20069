"""A report's page in a real browser."""

from contextlib import contextmanager


@contextmanager
def opened(chromium, folder, page, **look):
    """The page as Chromium shows it, with what it complained of and asked for."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    complaints, requests = [], []
    with chromium.new_context(**look) as context:
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        yield tab, complaints, requests
