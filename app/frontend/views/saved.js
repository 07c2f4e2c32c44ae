// The top of every page: copy the link, go back to a pair, the saved views, and a way through them.

import { keptOf } from "../shared/hub.js";
import { mounted } from "../shared/view.js";
import { copied, pageLink } from "./saved/links.js";
import { ViewList } from "./saved/list.js";
import { fillPairs } from "./saved/pairs.js";
import { Presentation } from "./saved/presentation.js";

const ANSWER = 3000;  // milliseconds after which what was asked for and not answered is asked again: a message is lost while the page is laid out
const SAID = 2500;  // milliseconds that a button says what it did
const GREETED = "netspace-views";  // under which a tab keeps the list of a link that it has shown

class Saved {
  constructor(root, id) {
    [this.root, this.id] = [root, id];
    this.kept = keptOf(id, { open: false, waiting: [], number: Date.now() });
    const find = (selector) => root.querySelector(selector);
    this.el = { copy: find("button.copy"), copyList: find(".copy-list"), pairs: find("button.pairs"), views: find("button.views"), seen: find(".seen"), live: find(".live"), link: find(".link"), ofPairs: find(".of-pairs"), ofViews: find(".of-views"), ofLink: find(".of-link") };
    this.list = new ViewList(this.el.ofViews, { act: (what, more) => this.ask(what, more), go: (view) => this.go("view", view), busy: () => this.kept.waiting.length > 0 });
    this.presentation = new Presentation(root, (view) => this.go("present", { view }));
    find("button.present").onclick = () => this.presentation.begin();
    this.el.copy.onclick = () => this.copy(pageLink(), this.el.copy);
    this.el.copyList.onclick = () => this.copy(pageLink({ views: this.data.packed }), this.el.copyList);
    this.el.pairs.popoverTargetElement = this.el.ofPairs;
    this.el.views.popoverTargetElement = this.el.ofViews;
    this.el.ofPairs.onbeforetoggle = (e) => e.newState === "open" && this.fill();
    this.el.ofViews.ontoggle = (e) => {
      const opened = e.newState === "open" && !this.kept.open;
      if (root.isConnected) this.kept.open = e.newState === "open";
      if (opened) this.list.begin();
    };
  }

  update(data, _setStateValue, setTriggerValue) {
    [this.data, this.send] = [data, setTriggerValue];
    this.hear(data.answered);
    this.el.views.firstElementChild.textContent = data.views.length ? `Views (${data.views.length})` : "Views";
    this.el.copyList.disabled = !data.packed;
    this.fill();
    this.list.update(data);
    const waiting = this.kept.waiting.findLast(({ what }) => what === "present");
    this.presentation.update(data.views, waiting?.view ?? data.present);
    if (!data.present && (this.kept.open || this.isNew(data))) this.el.ofViews.showPopover();  // also where it was mounted anew
  }

  // Whether a list came with the link that this tab has not shown yet.
  isNew({ carried, packed }) {
    if (!carried || this.kept.greeted) return false;
    this.kept.greeted = true;
    try {
      if (sessionStorage.getItem(GREETED) === packed) return false;
      sessionStorage.setItem(GREETED, packed);
    } catch { /* it is shown again */ }
    return true;
  }

  fill() {
    this.el.pairs.hidden = !fillPairs(this.el.seen, this.data, (pair) => this.go("pair", { pair }));
  }

  go(what, place) {
    for (const panel of this.root.querySelectorAll(".panel")) panel.hidePopover();
    this.ask(what, place);
  }

  // -- what Python is asked for, in order -----------------------------------------------------------------------

  ask(what, more) {
    if (what === "present") this.kept.waiting = this.kept.waiting.filter((asked, k) => k === 0 || asked.what !== what);  // the last place counts
    this.kept.waiting.push({ what, ...more, number: ++this.kept.number });
    if (this.kept.waiting.length === 1) this.tell(ANSWER);
  }

  tell(patience) {
    this.send("act", this.kept.waiting[0]);
    this.asking = setTimeout(() => this.tell(2 * patience), patience);
  }

  hear(answered) {
    const { waiting } = this.kept;
    const k = waiting.findIndex(({ number }) => number === answered);
    if (k < 0 && this.asking) return;
    clearTimeout(this.asking);
    this.asking = null;
    waiting.splice(0, k + 1);
    if (waiting.length) this.tell(ANSWER);
  }

  // -- links ----------------------------------------------------------------------------------------------------

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

  dispose() {
    clearTimeout(this.asking);
    this.presentation.dispose();
  }
}

export default mounted(Saved, ".saved");
