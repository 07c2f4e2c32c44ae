// A view of the app on a page without Streamlit: in a shadow of its own, told and heard as Streamlit would.

import { default as classifier } from "../views/classifier.js";
import { default as map } from "../views/map.js";
import { default as raster } from "../views/raster.js";
import { default as viewer } from "../views/viewer.js";
import { make } from "./build.js";

const VIEWS = { classifier, map, raster, viewer };

export class Mounted {
  // `heard(state, value)` is called with what the view says.
  constructor(name, heard) {
    this.view = VIEWS[name];
    this.heard = heard;
    this.el = make("div", { className: "mounted" });
    this.shadow = this.el.attachShadow({ mode: "open" });
    this.shadow.append(document.getElementById(`view-${name}`).content.cloneNode(true));
  }

  update(data) {  // the view's element is on the page by now
    this.data = data;
    this.end = this.view({ parentElement: this.shadow, data, setStateValue: this.heard, setTriggerValue: this.heard });
  }

  again() {  // of another theme
    if (this.data) this.update(this.data);
  }

  focus() {
    this.shadow.querySelector(".view").focus({ preventScroll: true });
  }

  remove() {
    this.el.remove();
    this.end?.();
  }
}
