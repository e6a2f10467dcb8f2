"""The page in a headless Chromium: typing a proof, seeing the error, mending it.

Arguments: the address of a server with a real Lean, and a folder for screenshots.
Needs the package playwright and a Chromium at /usr/bin/chromium.
"""

import sys

from playwright.sync_api import expect, sync_playwright

url, folder = sys.argv[1:3]
WRONG = "theorem sym (a b : Nat) (h : a = b) : b = a := by\n  exact h\n"
SLOW = 60_000


def main():
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        problems = []
        page.on("console", lambda line: line.type == "error" and problems.append(line.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        foreign = []
        page.on("request", lambda asked: asked.url.startswith(url) or foreign.append(asked.url))
        page.goto(url)
        expect(page.locator("#health")).to_contain_text("ready", timeout=SLOW)
        type_and_mend(page, folder)
        unicode_input(page)
        step_through(page, folder)
        on_a_phone(page, folder)
        browser.close()
        assert not problems, problems
        assert not foreign, foreign
    print("all is well")


def type_and_mend(page, folder):
    text = page.locator("#text")
    text.fill("")
    text.press_sequentially(WRONG)
    page.click("#run")
    expect(page.locator("#verdict")).to_contain_text("rejected", timeout=SLOW)
    error = page.locator("#messages li.error").first
    expect(error).to_contain_text("2:2")
    page.screenshot(path=f"{folder}/rejected.png")
    error.locator("button").click()
    chosen = "document.querySelector('#text')"
    chosen = page.evaluate(f"{chosen}.value.slice({chosen}.selectionStart, {chosen}.selectionEnd)")
    assert chosen == "exact h", chosen
    page.keyboard.type("exact h.symm")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#verdict")).to_contain_text("accepted", timeout=SLOW)
    print("a wrong proof was rejected, its place was clicked, and mended it was accepted")


def unicode_input(page):
    text = page.locator("#text")
    text.fill("")
    text.press_sequentially("example (\\a : Type) (f : \\a \\to \\N) : \\forall x y : \\a, x = y \\-> f x \\<= f y := \\lam x")
    page.keyboard.press("Tab")
    value = text.input_value()
    assert value == "example (α : Type) (f : α → ℕ) : ∀ x y : α, x = y → f x ≤ f y := λ x", value
    # What was typed comes back: a replacement is a change like any other.
    text.fill("")
    text.press_sequentially("\\b ")
    assert text.input_value() == "β ", text.input_value()
    page.keyboard.press("Control+z")
    assert "\\b" in text.input_value(), text.input_value()
    print("abbreviations become symbols, and undo brings them back")


def step_through(page, folder):
    text = page.locator("#text")
    text.fill("theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  constructor\n  · exact hp\n  · sorry\n")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#verdict")).to_contain_text("with a hole", timeout=SLOW)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    expect(page.locator("#goals")).to_contain_text("⊢ q")
    page.screenshot(path=f"{folder}/goals.png")
    print("the goal at the cursor is shown")


def on_a_phone(page, folder):
    page.set_viewport_size({"width": 390, "height": 780})
    page.emulate_media(color_scheme="dark")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide, "the page is wider than the phone"
    for part in ["#text", "#messages", "#run", "#health"]:
        expect(page.locator(part)).to_be_visible()
    page.screenshot(path=f"{folder}/phone.png")
    print("it fits a phone")


main()
