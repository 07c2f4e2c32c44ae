// Another map of the same networks beside this one: what is pointed at, selected or hidden on either is on both.

import { feedsOf, hear, hub, say } from "../../shared/hub.js";

export class Twin {
  constructor(owner) {  // a view with `id`, `kept`, `data` and `mirror()`, which is called when hands did something there
    this.owner = owner;
    this.end = hear("twin", ({ id }) => id === this.about?.id && owner.mirror());
  }

  get about() {
    return this.owner.data?.twin ?? null;
  }

  get kept() {  // what hands have done there
    return this.about ? hub.views.get(this.about.id) ?? null : null;
  }

  tell() {
    if (this.about) say("twin", { id: this.owner.id });
  }

  get ids() {  // of this map's networks on the other one, -1 for none; null until they are known
    const { about, owner } = this, feed = about && feedsOf(owner.id).get("twins");
    if (!feed || feed.header.path !== about.key) return null;
    if (this.read !== feed) {
      this.read = feed;
      this.found = new Int32Array(feed.body.slice().buffer);
    }
    return this.found;
  }

  get hot() {  // this map's network that is pointed at there, -1 for none
    const there = this.kept?.hot ?? -1;
    return there < 0 ? -1 : this.ids?.indexOf(there) ?? -1;
  }

  get rope() {  // what is selected there, by the other map's networks; null where nothing is
    return this.kept?.polygon ? this.kept.roped ?? null : null;
  }

  get roped() {  // 1 for this map's networks that are selected there
    const { rope, ids } = this;
    return rope && ids ? Uint8Array.from(ids, (there) => (there < 0 ? 0 : rope[there] ?? 0)) : null;
  }
}
