// Hands bytes from Python to the views of the page. Each feed is a component of its own, so that what has arrived
// once is not sent again when something beside it changes.

import { deliver } from "../shared/hub.js";

export default ({ data }) => {
  if (data) deliver(data instanceof Uint8Array ? data : new Uint8Array(data));
};
