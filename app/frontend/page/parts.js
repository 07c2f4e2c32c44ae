// What a bundle carries beside its index: parts as base64 of gzip, inside the file or in scripts beside it.

import { unpacked } from "../shared/hub.js";

const known = new Map(), told = new Map();  // promises of parts by name, and who waits for a script's
window.netspacePart = (name, text) => told.get(name)?.(text);

// The bytes of a part, unpacked.
export function part(name) {
  if (!known.has(name)) known.set(name, textOf(name).then(read));
  return known.get(name);
}

function textOf(name) {
  const inside = document.getElementById(`part-${name}`);
  if (inside) return Promise.resolve(inside.textContent);
  return new Promise((resolve, reject) => {
    told.set(name, resolve);
    const script = document.createElement("script");
    Object.assign(script, { src: `data/${name}.js`, onerror: () => reject(new Error(`data/${name}.js is missing: unpack the whole folder`)) });
    document.head.append(script);
  });
}

async function read(text) {
  const binary = atob(text.trim()), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Uint8Array(await unpacked(bytes).arrayBuffer());
}

// The feeds that a part consists of: each after its length.
export async function feedsIn(name) {
  const bytes = await part(name), found = [], view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, true);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

// A part that is JSON.
export const jsonIn = async (name) => JSON.parse(new TextDecoder().decode(await part(name)));
