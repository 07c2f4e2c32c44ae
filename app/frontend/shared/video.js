// Films: pictures encoded one after the other, at exact times and not as fast as they come, as MP4 or WebM in memory.

import { hub } from "./hub.js";

// What a film may be, the best first: the codec as the file's writer knows it, and as the browser's encoder does.
const FORMATS = [
  { suffix: "mp4", title: "MP4 (H.264)", codec: "avc", names: ["avc1.640028", "avc1.640033", "avc1.4d0033", "avc1.420033"] },
  { suffix: "webm", title: "WebM (VP9)", codec: "vp9", names: ["vp09.00.51.08"] },
  { suffix: "webm", title: "WebM (VP8)", codec: "vp8", names: ["vp8"] },
];
const BITS = 0.25;  // of a pixel: thin lines and words show every fault
const SHARP_EVERY = 2;  // seconds between pictures that stand alone, which players jump to
const WAITING = 4;  // pictures at the encoder at once

export const canEncode = () => typeof VideoEncoder === "function";

// The first format that this browser encodes at a size and rate, with the encoder's settings as `config`; null if none.
export async function formatFor(width, height, fps) {
  if (!canEncode()) return null;
  for (const { names, ...format } of FORMATS)
    for (const codec of names) {
      const config = { codec, width, height, framerate: fps, bitrate: Math.round(BITS * width * height * fps), latencyMode: "quality" };
      if (format.codec === "avc") config.avc = { format: "avc" };
      const { supported } = await VideoEncoder.isConfigSupported(config).catch(() => ({ supported: false }));
      if (supported) return { ...format, config, fps };
    }
  return null;
}

// The writer of files, which is loaded when it is first needed: of a bundle a part, of the app a file.
let writer = null;
const loaded = () => (writer ??= written().catch((problem) => {
  writer = null;
  throw problem;
}));

async function written() {
  const script = document.createElement("script");
  script.textContent = await (hub.library ? hub.library() : fetched());
  document.head.append(script);
  script.remove();
  return window.Mediabunny;
}

async function fetched() {  // from beside Streamlit's own scripts, for a proxy may serve these below another address
  const own = document.querySelector('script[src*="static/js/"]')?.src, root = own ? own.slice(0, own.indexOf("static/js/")) : `${location.origin}/`;
  const answer = await fetch(`${root}app/static/mediabunny.js`);
  if (!answer.ok) throw new Error("The app does not offer what writes films: reload the page.");
  return answer.text();
}

// A film that is being made. `add(canvas)` is given its pictures one by one, `finish()` returns its bytes; `close()` ends it
// in any case.
export class Film {
  static async begin({ suffix, codec, config, fps }) {
    const film = new Film(), { BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output, WebMOutputFormat } = await loaded();
    const source = new EncodedVideoPacketSource(codec);
    film.output = new Output({ format: suffix === "mp4" ? new Mp4OutputFormat({ fastStart: "in-memory" }) : new WebMOutputFormat(), target: new BufferTarget() });
    film.output.addVideoTrack(source, { frameRate: fps });
    Object.assign(film, { fps, count: 0, adding: film.output.start() });
    const fail = (problem) => {
      film.problem ??= problem;
      film.resolve?.();
    };
    film.encoder = new VideoEncoder({
      output: (chunk, meta) => { film.adding = film.adding.then(() => source.add(EncodedPacket.fromEncodedChunk(chunk), meta)).catch(fail); },
      error: fail,
    });
    film.encoder.configure(config);
    return film;
  }

  async add(canvas) {
    const { encoder, fps } = this, time = (k) => Math.round((1e6 * k) / fps);  // microseconds
    while (encoder.encodeQueueSize >= WAITING && !this.problem) await this.heard();
    if (this.problem) throw this.problem;
    const frame = new VideoFrame(canvas, { timestamp: time(this.count), duration: time(this.count + 1) - time(this.count), alpha: "discard" });
    encoder.encode(frame, { keyFrame: this.count % (SHARP_EVERY * fps) === 0 });
    frame.close();
    this.count += 1;
  }

  heard() {  // when the encoder has taken a picture, or has failed
    return new Promise((resolve) => {
      this.resolve = resolve;
      this.encoder.addEventListener("dequeue", resolve, { once: true });
    });
  }

  async finish() {
    await this.encoder.flush();
    await this.adding;
    if (this.problem) throw this.problem;
    await this.output.finalize();
    return this.output.target.buffer;
  }

  close() {
    if (this.encoder.state !== "closed") this.encoder.close();
    if (this.output.state !== "finalized") this.output.cancel();
  }
}
