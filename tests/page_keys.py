"""What tests do on the rating page in a browser, and how they look at it."""

import re


def press(page, *keys):
    """One key after the other; those of a string of digits too."""
    for key in keys:
        for one in key if key.isdigit() else [key]:
            page.keyboard.press(one)


def next_after(page, act):
    """Do something that ends with another text on the page."""
    page.evaluate("document.querySelector('.output').dataset.old = 'yes'")
    act()
    page.wait_for_function(
        "!document.querySelector('.output[data-old]')"
        " || document.querySelector('[data-part=end]:not([hidden])')"
    )


def entered(page):
    """All that the rater has entered, as the page shows it."""
    return page.evaluate(
        """() => ({
            checked: [...document.querySelectorAll(".criterion [type=radio]")]
                .map(radio => radio.checked),
            sliders: [...document.querySelectorAll("[type=range]")]
                .map(range => range.getAttribute("aria-valuetext")),
            marks: [...document.querySelectorAll(".marks li")]
                .map(line => line.textContent),
            comment: document.querySelector("[data-part=comment]").value,
            flagged: document.querySelector("[data-part=flag]").checked,
        })"""
    )


def contrasts(page, *selectors):
    """Contrast of each one's words with the ground they stand on."""
    pairs = page.evaluate(
        """selectors => selectors.map(at => {
            let node = document.querySelector(at);
            const ink = getComputedStyle(node).color;
            let ground = "rgba(0, 0, 0, 0)";
            for (; node && ground === "rgba(0, 0, 0, 0)"; node = node.parentElement)
                ground = getComputedStyle(node).backgroundColor;
            return [ink, ground];
        })""",
        selectors,
    )
    return {
        selector: contrast(*pair)
        for selector, pair in zip(selectors, pairs, strict=True)
    }


def luminance(colour):
    """Relative luminance of `rgb(r, g, b)` as WCAG 2 defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """Contrast of two colours as WCAG 2 defines it, 1 to 21."""
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)
