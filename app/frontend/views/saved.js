// The top of every page: copy the link, and go back to a pair.

import { mounted } from "../shared/view.js";
import { copied, pageLink } from "./saved/links.js";
import { fillPairs } from "./saved/pairs.js";

const SAID = 2500;  // milliseconds that a button says what it did

class Saved {
  constructor(root, id) {
    [this.root, this.id] = [root, id];
    const find = (selector) => root.querySelector(selector);
    this.el = { copy: find(".copy"), pairs: find("button.pairs"), seen: find(".seen"), live: find(".live"), link: find(".link"), ofPairs: find(".of-pairs"), ofLink: find(".of-link") };
    this.el.copy.onclick = () => this.copy(pageLink(), this.el.copy);
    this.el.pairs.popoverTargetElement = this.el.ofPairs;
    this.el.ofPairs.onbeforetoggle = (e) => e.newState === "open" && this.fill();
  }

  update(data, _setStateValue, setTriggerValue) {
    [this.data, this.send] = [data, setTriggerValue];
    this.fill();
  }

  fill() {
    this.el.pairs.hidden = !fillPairs(this.el.seen, this.data, (pair) => this.go({ pair }));
  }

  go(place) {
    for (const panel of this.root.querySelectorAll(".panel")) panel.hidePopover();
    this.send("go", place);
  }

  // Copies a link, and has the button say so; where the browser does not let it, shows the link to be copied by hand.
  async copy(link, button) {
    if (await copied(link, this.el.link)) {
      this.sayOn(button, "Copied");
      return;
    }
    this.el.ofLink.showPopover();
    this.el.link.value = link;
    this.el.link.select();
  }

  sayOn(button, words) {
    this.el.live.textContent = words;
    button.dataset.words ??= button.textContent;
    button.style.minWidth = `${button.offsetWidth}px`;
    button.textContent = words;
    clearTimeout(button.again);
    button.again = setTimeout(() => {
      button.textContent = button.dataset.words;
      this.el.live.textContent = "";
    }, SAID);
  }

  dispose() {}
}

export default mounted(Saved, ".saved");
