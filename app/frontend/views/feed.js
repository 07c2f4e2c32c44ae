// Hands bytes from Python to the views of the page. Each feed is a component of its own, so that what has arrived
// once is not sent again when something beside it changes.

import { hub } from "../shared/hub.js";

export default ({ data }) => {
  if (!data) return;
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const feeds = hub.feeds.get(header.view) ?? new Map();
  hub.feeds.set(header.view, feeds);
  const before = feeds.get(header.feed)?.header;
  const same = before && ["path", "of", "version"].every((key) => before[key] === header[key]);
  if (same) return;  // Streamlit laid the page out anew
  feeds.set(header.feed, { header, body: bytes.subarray(4 + length) });
  hub.listeners.get(header.view)?.forEach((listener) => listener());
};
