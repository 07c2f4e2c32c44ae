"""python -m benchmarks.endurance [--actions N] [--seed N] [--sessions N --seconds N]: the app over days.

One of two headless browsers shows each page with each space that ships, and takes away each kind of file once: what
has to be imported and read is there then. After that both use all pages of the app, in an order drawn from the seed:
they open links, walk through the sidebar, go back, drag, pick, click on the map, choose other zoos and take files away.
Of the server's process memory, threads and open files are printed every some actions; after the first fifth they should
stay as they are.

With `--sessions` that many pages are used at the same time for some seconds, and the slowest first picture is told.
What the server wrote to its log is printed at the end, and so is what broke in a page.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .browser import launch, served

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PAGES = {"": "Home", "zoo_map": "Map", "shapes": "Shapes", "classifiers": "Classifiers", "pictures": "Pictures",
         "optimise": "Optimise", "networks": "Networks as images", "jobs": "Jobs"}  # fmt: skip
VIEWS = ".viewer, .classifier, .raster, .preps"
CANVAS = "canvas:visible"
RUNNING = '[data-testid="stApp"][data-test-script-state="running"], [data-testid="stSkeleton"]:visible'
LONGEST = 3
"""seconds that an action is waited for: the next one comes into the midst of what takes longer"""
KEPT = "20"
"""seconds for which the server keeps sessions whose browser is gone, 120 where it is not told: only so many of them are
held at a time that the figures say what stays"""
CALM, IDLE = 25, 0.05
"""seconds in which the server computes for less than this share of them: it has given free memory back then"""
CALMING = 300
"""seconds that are waited for it, on a machine that does other things too"""
SPACES = {
    "chairs/space-prep": "shapes", "chairs/space-probe": "shapes", "digits/space": "classifiers",
    "cifar10/space": "classifiers", "digits-family/space": "classifiers", "digits-images/space": "pictures",
}  # fmt: skip
"""those that ship, and the page of what they hold"""
EVERYWHERE = ("zoo_map", "optimise", "networks", "scorecard")
MAKING = 90
"""seconds that a file is waited for"""
READINGS = 10
"""before a report, a second apart, whose median is told"""


@dataclass(frozen=True)
class Held:
    """What a process holds."""

    resident: float
    """megabytes, what it shares with others among them"""
    anonymous: float
    """megabytes that are no part of a file: what is a process's own of files depends on which others map them too"""
    threads: int
    files: int

    @classmethod
    def by(cls, process: subprocess.Popen) -> Held:
        """Read from /proc what a process holds."""
        about = Path(f"/proc/{process.pid}")
        kilobytes: collections.Counter = collections.Counter()
        for line in (about / "smaps_rollup").read_text().splitlines()[1:]:
            name, value = line.split()[:2]
            kilobytes[name] += int(value)
        threads, files = (sum(1 for _ in (about / name).iterdir()) for name in ("task", "fd"))
        return cls(kilobytes["Rss:"] / 1024, kilobytes["Anonymous:"] / 1024, threads, files)

    @classmethod
    def usually(cls, readings: list[Held]) -> Held:
        """The medians of some readings."""
        columns = zip(*(vars(one).values() for one in readings), strict=True)
        return cls(*map(statistics.median, columns))

    def beside(self, other: Held) -> str:
        """By how much it is more than another, per cent by per cent."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return "".join(f"  {mine / its - 1:+6.1%}" for mine, its in pairs)


# -- what a hand does ------------------------------------------------------------------------------------------------


@dataclass
class Hand:
    """A page in a browser, and who draws what to do in it."""

    page: Page
    address: str
    draw: random.Random
    broken: list[str] = field(default_factory=list)
    """errors in the page"""

    def rest(self, seconds: float = LONGEST) -> None:
        """Wait until the page has been laid out, though not for longer than so many seconds."""
        end = time.monotonic() + seconds
        self.page.wait_for_timeout(150)
        while time.monotonic() < end and self.page.locator(RUNNING).count():
            self.page.wait_for_timeout(100)

    def some(self, selector: str) -> Locator | None:
        """One of the elements that can be seen; None if there is none."""
        found = self.page.locator(selector)
        count = found.count()
        return found.nth(self.draw.randrange(count)) if count else None


def open_link(hand: Hand) -> None:
    hand.page.goto(f"{hand.address}/{hand.draw.choice(list(PAGES))}", wait_until="commit")


def walk(hand: Hand) -> None:
    link = hand.some('[data-testid="stSidebarNavLink"]')
    open_link(hand) if link is None else link.click()


def reload(hand: Hand) -> None:
    hand.page.reload(wait_until="commit")


def go_back(hand: Hand) -> None:
    hand.page.go_back(wait_until="commit")


def drag(hand: Hand) -> None:
    view = hand.some(VIEWS)
    if view is not None:
        view.focus()
        for _ in range(hand.draw.randint(1, 4)):
            hand.page.keyboard.press(hand.draw.choice(["Home", "End", "ArrowRight", "Shift+ArrowRight", "ArrowLeft"]))


def click_map(hand: Hand) -> None:
    canvas = hand.some(f".zoo-map {CANVAS}")
    if canvas is not None and (box := canvas.bounding_box()):
        x, y = (0.1 + 0.8 * hand.draw.random() for _ in "xy")
        hand.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def pick(hand: Hand) -> None:
    card = hand.some(".picker .card:visible, .picker .swap:visible, .picker .random:visible")
    if card is not None:
        card.click()


def choose(hand: Hand) -> None:
    box = hand.some('[data-testid="stSelectbox"] [role="combobox"]:visible')
    if box is not None:
        box.click()
        for _ in range(hand.draw.randint(1, 3)):
            hand.page.keyboard.press("ArrowDown")
        hand.page.keyboard.press("Enter")


def click_button(hand: Hand) -> None:
    """Any button that starts no job, changes no file and opens nothing."""
    names = "Swap|Random|A to B|Set as A|Set as B|Show all|UMAP|PCA|Directions"
    found = hand.page.get_by_role("button", name=re.compile(f"^({names})"))
    count = found.count()
    if count:
        found.nth(hand.draw.randrange(count)).click()


def export(hand: Hand) -> None:
    """Open what a page offers as files, and take one of them."""
    opening = hand.some('[data-testid="stPopoverButton"]:visible')
    if opening is None:
        return
    opening.click()
    hand.page.wait_for_timeout(500)
    file = hand.some('[data-testid="stDownloadButton"] button:enabled:visible')
    if file is not None:
        file.click()
    hand.page.keyboard.press("Escape")


ACTIONS: dict[Callable[[Hand], None], int] = {
    open_link: 2, walk: 4, reload: 1, go_back: 1, drag: 5, click_map: 4, pick: 3, choose: 2, click_button: 2, export: 1,
}  # fmt: skip
"""what is done, and how often beside the others"""


def look_at_everything(hand: Hand) -> int:
    """Show each page with each space, and take away each kind of file once; return how many files were made."""
    taken: set[tuple[str, str]] = set()
    for space, own in SPACES.items():
        for page in (own, *EVERYWHERE):
            zoo = f"{space.partition('/')[0]}/zoo"
            hand.page.goto(f"{hand.address}/{page}?space={space}&zoo={zoo}".replace("/zoo&", "%2Fzoo&"))
            with suppress(Exception):  # the page stands
                hand.page.locator(f"{CANVAS}, h1:visible").first.wait_for(timeout=1000 * MAKING)
            hand.rest(30)
            if page == own:
                taken |= _take_all(hand, own, taken)
    return len(taken)


def _take_all(hand: Hand, page: str, taken: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Take the files that are not taken yet; those that could be had of this page."""
    hand.page.get_by_role("button", name="Export").first.click(timeout=1000 * MAKING)
    hand.page.wait_for_timeout(1000)
    buttons, found = hand.page.locator('[data-testid="stDownloadButton"] button:enabled:visible'), set()
    for title in buttons.all_inner_texts():
        if (page, title) in taken:
            continue
        with suppress(Exception), hand.page.expect_download(timeout=1000 * MAKING):
            buttons.filter(has_text=title).first.click()
            found.add((page, title))
    hand.page.keyboard.press("Escape")
    return found


def act(hand: Hand) -> str:
    """Do something, and return its name; what cannot be done at this moment is let be."""
    (action,) = hand.draw.choices(list(ACTIONS), list(ACTIONS.values()))
    hand.page.keyboard.press("Escape")  # a list or a dialog that is still open covers what is to be clicked
    try:
        action(hand)
    except Exception as error:  # what was to be clicked is covered, or went away
        if "Timeout" not in type(error).__name__ and "detached" not in str(error) and "closed" in str(error):
            raise
        return f"{action.__name__} (not possible)"
    return action.__name__


def hand_at(browser, address: str, seed: object) -> Hand:
    """A page of few pixels on which nothing plays by itself: drawing would take most of the machine from the server."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, device_scale_factor=0.25, reduced_motion="reduce"
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(5000)
    page.set_default_navigation_timeout(60_000)
    hand = Hand(page, address, random.Random(str(seed)))
    page.on("pageerror", lambda error: hand.broken.append(str(error)))
    return hand


def problems(hand: Hand) -> list[str]:
    """What a page says went wrong in Python."""
    with suppress(Exception):  # another page is opened meanwhile
        return [text[:300] for text in hand.page.locator('[data-testid="stException"]').all_inner_texts()]
    return []


# -- the two measurements --------------------------------------------------------------------------------------------


def calm_down(server: subprocess.Popen) -> None:
    """Wait until the server has nothing to do, so that what it is in the midst of is not taken for what it keeps."""
    end = time.monotonic() + CALMING
    while time.monotonic() < end:
        before = computed(server)
        time.sleep(CALM)
        if computed(server) - before < CALM * IDLE:
            return


def computed(process: subprocess.Popen) -> float:
    """Seconds of processor time that a process has taken."""
    user, system = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def at_rest(hands: list[Hand], server: subprocess.Popen) -> Held:
    """What the server holds when both browsers have come home and sessions that were left are forgotten.

    What is being decoded at a moment, and how many connections a browser has open, says nothing of what stays.
    """
    for wait in (float(KEPT) + 5, 5.0):  # the second time the server looks which sessions are too old
        for hand in hands:
            hand.page.goto(f"{hand.address}/", wait_until="commit")
        for hand in hands:
            hand.rest(60)
        time.sleep(wait)
    calm_down(server)
    readings = []
    for _ in range(READINGS):
        readings.append(Held.by(server))
        time.sleep(1)
    return Held.usually(readings)


def over_days(address: str, server: subprocess.Popen, actions: int, every: int, seed: int) -> None:
    """Two browsers, action after action."""
    from playwright.sync_api import sync_playwright

    done: collections.Counter = collections.Counter()
    said: list[str] = []
    print("actions  seconds  resident MB  anonymous MB  threads  files", flush=True)
    with sync_playwright() as play:
        hands = [hand_at(launch(play), address, f"{seed}-{k}") for k in range(2)]
        start = time.monotonic()
        print(f"{look_at_everything(hands[0])} kinds of files made in {time.monotonic() - start:.0f} s", flush=True)
        for hand in hands:
            open_link(hand)
            hand.rest()
        start, flat = time.monotonic(), None
        for k in range(actions + 1):
            if k % every == 0:
                now = at_rest(hands, server)
                change = now.beside(flat) if flat else ""
                if not flat and 5 * k >= actions:
                    flat = now
                print(
                    f"{k:7d}  {time.monotonic() - start:7.0f}  {now.resident:11.0f}  {now.anonymous:12.0f}  "
                    f"{now.threads:7.0f}  {now.files:5.0f}{change}",
                    flush=True,
                )
            hand = hands[k % 2]
            done[act(hand)] += 1
            hand.rest()
            said += problems(hand)
        told = [*said, *(error for hand in hands for error in hand.broken)]
    print("done:", ", ".join(f"{name} {count}" for name, count in done.most_common()))
    for words, count in collections.Counter(told).most_common():
        print(f"broke in a page, {count} times: {words}")


def at_once(address: str, server: subprocess.Popen, sessions: int, seconds: float, seed: int) -> None:
    """Many sessions, each on a page of its own at first."""
    from playwright.sync_api import sync_playwright

    names, said = [name for name in PAGES if name], []
    first: dict[int, float] = {}
    with sync_playwright() as play:
        browser = launch(play)
        hands = [hand_at(browser, address, f"{seed}-{k}") for k in range(sessions)]
        start = time.monotonic()
        for k, hand in enumerate(hands):
            hand.page.goto(f"{address}/{names[k % len(names)]}", wait_until="commit")
        while len(first) < sessions and time.monotonic() - start < 300:
            for k, hand in enumerate(hands):
                if k not in first and hand.page.locator(f'{CANVAS}, [data-testid="stCode"]:visible').count():
                    first[k] = time.monotonic() - start
            time.sleep(0.05)
        end, done = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            hand = hands[done % sessions]
            act(hand)
            said += problems(hand)
            done += 1
        for hand in hands:
            hand.rest(60)
            said += problems(hand)
        up = sum(hand.page.locator('[data-testid="stHeading"], h5, canvas').count() > 0 for hand in hands)
        told = [*said, *(error for hand in hands for error in hand.broken)]
    print(f"{sessions} sessions, {done} actions in {seconds:.0f} seconds; {up} pages up")
    pages = [f"{names[k % len(names)]} {first[k]:.1f}" for k in sorted(first, key=first.get)]
    print(f"seconds to the first picture of each of {len(first)}: {', '.join(pages)}")
    for words, count in collections.Counter(told).most_common():
        print(f"broke in a page, {count} times: {words}")
    print(Held.by(server))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.endurance", description=__doc__)
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100, help="actions between two reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sessions", type=int, default=0, help="measure this many sessions at once instead")
    parser.add_argument("--seconds", type=float, default=300, help="for which they are used")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "server.log"
        with served(log=log, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=KEPT) as (address, server):
            print(f"process {server.pid} at {address}", flush=True)
            if args.sessions:
                at_once(address, server, args.sessions, args.seconds, args.seed)
            else:
                over_days(address, server, args.actions, args.every, args.seed)
        print("the server's log:")
        print(log.read_text().partition("Stopping...")[0])  # then the connections break


if __name__ == "__main__":
    main()
