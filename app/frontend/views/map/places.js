// Places of networks, and a grid over them by which the nearest is found at once.

export class Places {
  constructor(xy) {
    this.xy = xy;
    this.count = xy.length / 2;
    this.known = new Uint8Array(this.count);
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [xy[2 * i], xy[2 * i + 1]];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      this.known[i] = 1;
      [left, right, low, high] = [Math.min(left, x), Math.max(right, x), Math.min(low, y), Math.max(high, y)];
    }
    Object.assign(this, { left, right, low, high, side: Math.max(1, Math.ceil(Math.sqrt(this.count / 2))) });
    const cells = this.side * this.side;
    this.starts = new Uint32Array(cells + 1);
    this.ids = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) if (this.known[i]) this.starts[this.cell(i) + 1]++;
    for (let c = 0; c < cells; c++) this.starts[c + 1] += this.starts[c];
    const next = this.starts.slice();
    for (let i = 0; i < this.count; i++) if (this.known[i]) this.ids[next[this.cell(i)]++] = i;
  }

  of(i) {
    return [this.xy[2 * i], this.xy[2 * i + 1]];
  }

  column(x) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((x - this.left) / (this.right - this.left || 1)) * this.side)));
  }

  row(y) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(((y - this.low) / (this.high - this.low || 1)) * this.side)));
  }

  cell(i) {
    return this.row(this.xy[2 * i + 1]) * this.side + this.column(this.xy[2 * i]);
  }

  near(x, y, reach, shown) {  // the nearest that is shown, -1 where none is within reach
    let [best, least] = [-1, reach * reach];
    const [from, to] = [this.column(x - reach), this.column(x + reach)];
    for (let r = this.row(y - reach); r <= this.row(y + reach); r++)
      for (let k = this.starts[r * this.side + from]; k < this.starts[r * this.side + to + 1]; k++) {
        const i = this.ids[k];
        const d = (this.xy[2 * i] - x) ** 2 + (this.xy[2 * i + 1] - y) ** 2;
        if (d < least && shown[i]) [best, least] = [i, d];
      }
    return best;
  }

  among(left, low, right, high, shown) {  // whether one that is shown lies in a box
    const [from, to] = [this.column(left), this.column(right)];
    for (let r = this.row(low); r <= this.row(high); r++)
      for (let k = this.starts[r * this.side + from]; k < this.starts[r * this.side + to + 1]; k++) {
        const [x, y] = this.of(this.ids[k]);
        if (shown[this.ids[k]] && x >= left && x <= right && y >= low && y <= high) return true;
      }
    return false;
  }

  within(polygon) {  // by the even-odd rule: 1 where inside
    const out = new Uint8Array(this.count);
    const [xs, ys] = [0, 1].map((k) => polygon.map((corner) => corner[k]));
    const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.xy[2 * i], this.xy[2 * i + 1]];
      if (!(x >= left && x <= right && y >= low && y <= high)) continue;
      let odd = 0;
      for (let k = 0, j = xs.length - 1; k < xs.length; j = k++)
        if (ys[k] > y !== ys[j] > y && x < xs[k] + ((y - ys[k]) * (xs[j] - xs[k])) / (ys[j] - ys[k])) odd ^= 1;
      out[i] = odd;
    }
    return out;
  }
}
