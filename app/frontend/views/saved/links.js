// The link to what is in view, and how it gets to where it can be pasted.

const COMMON = ["present", "views"];  // of the app as a whole, and not of what is in view

// The link to what the page shows, with further parameters.
export function pageLink(more = {}) {
  const link = new URL(window.location.href);
  for (const name of COMMON) link.searchParams.delete(name);
  for (const [name, value] of Object.entries(more)) link.searchParams.set(name, value);
  link.hash = "";
  return link.href;
}

// Its parameters, without those of the app.
export const parameters = () => Object.fromEntries([...new URL(pageLink()).searchParams]);

// Whether a link was copied; `field` is one that it may be selected in.
export async function copied(link, field) {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {  // not allowed, or the page did not come by https
    return copiedFrom(field, link);
  }
}

function copiedFrom(field, link) {
  const [panel, shown] = [field.closest("[popover]"), field.closest("[popover]:popover-open")];
  if (!shown) panel.showPopover();  // what is not shown cannot be selected
  field.value = link;
  field.select();
  const done = document.execCommand("copy");
  if (done && !shown) panel.hidePopover();
  return done;
}
