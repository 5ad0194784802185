"""Draw the README's picture of the page of `agentcore-new dev`: a real run, used by a browser.

Run it with `.venv/bin/python docs/dev_picture.py` when the page changes; it needs Chromium, and
the environment of Strands that the tests have.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1300, 800
SECONDS = 30_000  # ms, for a machine to start


def main() -> None:
    """Talk, kill the machine, talk on: the session is still known."""
    sys.path.insert(0, str(ROOT / "tests"))
    from contract.environments import python_of
    from contract.projects import Variant
    from dev.browsing import launched, say
    from dev.running import dev, with_python
    from playwright.sync_api import expect

    expect.set_options(timeout=SECONDS)
    with tempfile.TemporaryDirectory() as name:
        variant = Variant(
            "strands", "bedrock", stream=True, transcript=True, store="sqlite", tracing=True
        )
        folder = variant.write(Path(name) / "support-bot")
        with_python(folder, python_of("strands"))
        with dev(folder, "--offline", home=Path(name) / "home") as running, launched() as browser:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(f"http://127.0.0.1:{running.port}/")
            for title, user, prompts in (
                ("Opening hours", "bob", ["When do you open?"]),
                ("Sums", "ada", ["What is 2 + 3?", "Do you still know me?"]),
            ):
                page.keyboard.press("Alt+Shift+n")
                page.get_by_label("Name").fill(title)
                page.get_by_label("User").fill(user)
                page.keyboard.press("Enter")
                expect(page.locator("h1")).to_have_text(title)
                for number, prompt in enumerate(prompts):
                    if number:
                        page.get_by_role("button", name="kill -9").click()
                        expect(page.get_by_role("tabpanel")).to_contain_text("Ended")
                        page.get_by_label("Prompt").focus()
                    say(page, prompt)
                    done = page.locator(".turn.done")
                    expect(done).to_have_count(number + 1)
            expect(page.get_by_label("Tool calls")).to_be_visible()
            expect(page.get_by_label("Log of the machine")).to_contain_text("completed")
            page.mouse.move(0, 0)
            page.screenshot(path=ROOT / "docs/dev.png")


if __name__ == "__main__":
    main()
