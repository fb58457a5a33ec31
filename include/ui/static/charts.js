"use strict";
// Charts work without this: links choose the range, titles name the points. Here they also
// follow the pointer and the arrow keys, and a range can be drawn with the pointer.

function placesOf(plot) {
  return [...plot.querySelectorAll(".point")].map((point) => ({
    point, share: parseFloat(point.dataset.x) / 100,
  }));
}

function nearest(places, share) {
  let best = -1;
  places.forEach((place, number) => {
    if (best < 0 || Math.abs(place.share - share) < Math.abs(places[best].share - share)) best = number;
  });
  return best;
}

function follow(chart) {
  const plot = chart.querySelector(".plot");
  const readout = chart.querySelector(".readout");
  const cursor = plot.querySelector(".cursor");
  const places = placesOf(plot);
  let selected = -1;

  function select(number) {
    if (number === selected || !places[number]) return;
    if (selected >= 0) places[selected].point.classList.remove("selected");
    selected = number;
    const { point } = places[number];
    point.classList.add("selected");
    readout.textContent = point.querySelector("title").textContent;
    if (!cursor) return;
    cursor.setAttribute("x1", point.dataset.x);
    cursor.setAttribute("x2", point.dataset.x);
    cursor.classList.add("shown");
  }

  plot.addEventListener("pointermove", (event) => select(nearest(places, shareOf(plot, event))));
  plot.addEventListener("keydown", (event) => {
    const last = places.length - 1;
    const from = selected < 0 ? last + 1 : selected;
    const to = {
      ArrowLeft: Math.max(from - 1, 0), ArrowRight: Math.min(from + 1, last), Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    select(to);
  });
}

function shareOf(plot, event) {
  const box = plot.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
}

function zoom(chart) {
  const plot = chart.querySelector(".plot");
  const selection = plot.querySelector(".selection");
  const from = Number(chart.dataset.from);
  const length = Number(chart.dataset.to) - from;
  let start = null;

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    start = shareOf(plot, event);
    plot.setPointerCapture(event.pointerId);
    event.preventDefault();
    plot.focus({ preventScroll: true });
  });
  plot.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const share = shareOf(plot, event);
    selection.setAttribute("x", `${Math.min(start, share) * 100}%`);
    selection.setAttribute("width", `${Math.abs(share - start) * 100}%`);
  });
  plot.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const ends = [start, shareOf(plot, event)].sort((one, other) => one - other);
    start = null;
    selection.setAttribute("width", "0");
    if (ends[1] - ends[0] < 0.01) return;
    const address = new URL(location.href);
    const text = (share) => new Date(Math.round(from + share * length) * 1000).toISOString().replace(".000", "");
    address.searchParams.set("from", text(ends[0]));
    address.searchParams.set("to", text(ends[1]));
    location.assign(address);
  });
  plot.addEventListener("pointercancel", () => {
    start = null;
    selection.setAttribute("width", "0");
  });
}

for (const chart of document.querySelectorAll("[data-chart]")) {
  follow(chart);
  if ("zoom" in chart.dataset) zoom(chart);
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
      button.textContent = "Press Ctrl-C";
    }
  });
}
