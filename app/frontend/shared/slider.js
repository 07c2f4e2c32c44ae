// The slider of a path with its button that plays: partials/slider.html.

const SECONDS_PER_RUN = 4;

export class Slider {
  // `show(frame)` is called while it moves, `release()` when it was let go, `tick(now)` at every frame of the screen
  // while it plays.
  constructor(root, { show, release, tick }) {
    Object.assign(this, { root, show, release, tick, playing: null, steps: 2 });
    this.range = root.querySelector("input[type=range]");
    this.button = root.querySelector(".play");
    this.range.oninput = () => {
      this.stop();
      show(Number(this.range.value));
    };
    this.range.onchange = release;
    this.range.onkeydown = (e) => {  // the view's own keys instead
      if (/^(Arrow|Page|Home|End)/.test(e.key)) e.preventDefault();
    };
    this.button.onclick = () => this.toggle();
  }

  set(frame, steps) {
    this.frame = frame;
    this.steps = steps;
    this.range.max = steps - 1;
    this.range.value = frame;
    this.range.style.setProperty("--at", `${(100 * frame) / (steps - 1 || 1)}%`);
  }

  toggle() {
    if (this.playing) {
      this.stop();
      this.release();
      return;
    }
    const last = this.steps - 1;
    this.playing = { from: this.frame >= last ? 0 : this.frame, start: performance.now() };
    this.button.classList.add("on");
    requestAnimationFrame((now) => this.play(now));
  }

  play(now) {
    if (!this.playing || !this.root.isConnected) return;
    const last = this.steps - 1;
    const passed = ((now - this.playing.start) / (1000 * SECONDS_PER_RUN)) * last + this.playing.from;
    const phase = passed % (2 * last);
    const frame = Math.round(phase > last ? 2 * last - phase : phase);  // there and back again
    this.tick(now);
    if (frame !== this.frame) this.show(frame);
    requestAnimationFrame((then) => this.play(then));
  }

  stop() {
    this.playing = null;
    this.button.classList.remove("on");
  }
}
