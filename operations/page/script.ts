// What runs in the reader's browser: takes each part as it comes, and keeps what the reader opened, scrolled to or selected.
export const script = `"use strict";
const link = document.getElementById("link");
const say = (state, words) => { link.className = state; link.textContent = words; };
const clock = () => new Date().toTimeString().slice(0, 8);
let heard = clock();

const span = (seconds) => seconds < 60 ? Math.floor(seconds) + " s"
  : seconds < 3600 ? Math.floor(seconds / 60) + " min"
  : seconds < 86400 ? Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min"
  : Math.floor(seconds / 86400) + " d " + Math.floor(seconds % 86400 / 3600) + " h";
const ages = (place) => {
  for (const time of place.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = span(Math.max(0, (Date.now() - at) / 1000)) + " ago";
    time.title = at.toLocaleString();
  }
};

const show = (id, html) => {
  const place = document.getElementById(id);
  if (!place) return;
  const kept = new Map([...place.querySelectorAll("details[data-key]")].map((each) => [each.dataset.key, each.open]));
  const before = new Map([...place.querySelectorAll("pre[data-key]")].map((each) => [each.dataset.key,
    each.scrollTop + each.clientHeight >= each.scrollHeight - 8 ? Infinity : each.scrollTop]));
  place.innerHTML = html;
  for (const each of place.querySelectorAll("details[data-key]")) if (kept.has(each.dataset.key)) each.open = kept.get(each.dataset.key);
  for (const each of place.querySelectorAll("pre[data-key]")) {
    const top = before.get(each.dataset.key) ?? Infinity;
    each.scrollTop = top === Infinity ? each.scrollHeight : top;
  }
  ages(place);
};

// Somebody who selects a text is not to lose it under the mouse.
const held = new Map();
const selecting = (id) => {
  const selection = getSelection();
  return !selection.isCollapsed && document.getElementById(id)?.contains(selection.anchorNode);
};
const later = () => { for (const [id, html] of held) if (!selecting(id)) { held.delete(id); show(id, html); } };
document.addEventListener("selectionchange", later);

const source = new EventSource("/events");
const alive = () => { heard = clock(); say("live", "live"); };
source.onopen = alive;
source.addEventListener("beat", alive);
source.addEventListener("part", (event) => {
  alive();
  const { id, html } = JSON.parse(event.data);
  if (selecting(id)) held.set(id, html);
  else { held.delete(id); show(id, html); }
});
source.addEventListener("again", () => location.reload());
source.addEventListener("end", () => say("gone", "ended at " + clock() + "; this is how it was"));
source.onerror = () => {
  if (source.readyState === EventSource.CLOSED) say("gone", "expected the link with its token: open it again");
  else if (link.className !== "gone" ) say("gone", "not connected since " + heard + "; this is how it was");
};
ages(document);
for (const each of document.querySelectorAll("pre[data-key]")) each.scrollTop = each.scrollHeight;
setInterval(() => ages(document), 1000);
`;
