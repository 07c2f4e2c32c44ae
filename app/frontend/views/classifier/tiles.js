// Some of the test images, and what the network at the slider says of each.

export class Tiles {
  all = [];

  constructor(el) {
    this.el = el;
  }

  lay(count, hint) {  // places for the images, empty until these arrive; where none will, a hint
    this.of = null;
    this.all = Array.from({ length: count }, () => {
      const el = document.createElement("div");
      el.className = "tile blank";
      el.innerHTML = '<canvas width="1" height="1"></canvas><span class="mark"></span><span class="said"></span><span class="bar"></span>';
      return el;
    });
    this.el.replaceChildren(...this.all);
    if (count) return;
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = hint;
    this.el.append(none);
  }

  fill({ header: { count, size, truth, path }, body }) {
    this.lay(count);
    this.of = path;
    this.truth = truth;
    this.all.forEach((el, k) => {
      const canvas = el.querySelector("canvas");
      canvas.width = canvas.height = size;
      const image = new ImageData(size, size);
      const from = k * size * size * 3;
      for (let i = 0; i < size * size; i++) {
        image.data.set(body.subarray(from + 3 * i, from + 3 * i + 3), 4 * i);
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      el.classList.remove("blank");
    });
  }

  write(entry, classes) {
    this.all.forEach((el, k) => {
      const [said, sure, truth] = [entry?.said?.[k], entry?.sure?.[k], this.truth?.[k]];
      const known = said !== undefined && truth !== undefined;
      el.classList.toggle("hit", known && said === truth);
      el.classList.toggle("miss", known && said !== truth);
      el.querySelector(".said").textContent = known ? classes[said] : "…";
      el.style.setProperty("--sure", known ? `${100 * sure}%` : "0%");
      el.title = known ? `${classes[said]} with probability ${sure.toFixed(2)}\ntrue class: ${classes[truth]}` : "";
    });
  }
}
