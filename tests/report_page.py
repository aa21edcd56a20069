"""A report's page in a real browser."""

from contextlib import contextmanager

from chromium import find_chromium, find_playwright


@contextmanager
def opened(page, folder, **look):
    """The page as Chromium shows it, with what it complained of and asked for."""
    playwright, chromium = find_playwright(), find_chromium()
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    complaints, requests = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page(**look)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        yield tab, complaints, requests
        browser.close()
