// What the pages cannot do without a script: Airflow's theme, links out of Airflow's frame,
// runs started through Airflow's own API, and arrow keys in a heat map.
"use strict";

(() => {
  const POLL_MS = 1500;
  const ENDED = ["success", "failed"];

  // Airflow keeps the theme that was chosen under this key; "system" and nothing mean the system's.
  function followTheme() {
    let theme = null;
    try { theme = localStorage.getItem("theme"); } catch { /* storage is switched off */ }
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }

  // Airflow's frame may not navigate its window: the link is clicked in the window itself.
  function openAround(event) {
    const link = event.target.closest?.('a[target="_top"]');
    if (!link || window.parent === window) return;
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    window.parent.document.body.append(outer);
    outer.click();
    outer.remove();
  }

  async function api(path, options) {
    const answer = await fetch(new URL(`../api/v2/${path}`, document.baseURI), options);
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    const detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail ?? "");
    throw new Error(`Airflow refused it (${answer.status}): ${detail}`);
  }

  function runPath(dag, run) {
    return `dags/${encodeURIComponent(dag)}/dagRuns/${encodeURIComponent(run)}`;
  }

  function showRun(output, dag, run, state) {
    if (output.dataset.run !== run) {
      output.dataset.run = run;
      const link = document.createElement("a");
      link.target = "_top";
      link.href = `../dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`;
      link.textContent = run;
      const text = document.createElement("span");
      text.className = "run-state";
      output.replaceChildren(text, " ", link);
    }
    output.dataset.state = state;
    output.querySelector(".run-state").textContent = state;
  }

  // The parts that say what is stored, as the server says it now.
  async function refreshParts() {
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-refresh]")) {
      const renewed = page.querySelector(`[data-refresh="${CSS.escape(part.dataset.refresh)}"]`);
      if (renewed) part.replaceWith(document.adoptNode(renewed));
    }
  }

  async function follow(output, dag, run) {
    for (;;) {
      const { state } = await api(runPath(dag, run));
      showRun(output, dag, run, state);
      if (ENDED.includes(state)) return;
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
  }

  async function trigger(button) {
    const output = button.closest("[data-actions]")?.querySelector("output") ?? button.nextElementSibling;
    const dag = button.dataset.triggerDag;
    button.disabled = true;
    delete output.dataset.run;
    output.dataset.state = "queued";
    output.textContent = "Starting …";
    try {
      const body = JSON.stringify({ logical_date: null, conf: JSON.parse(button.dataset.conf) });
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const run = await api(`dags/${encodeURIComponent(dag)}/dagRuns`, { method: "POST", headers, body });
      showRun(output, dag, run.dag_run_id, run.state);
      await follow(output, dag, run.dag_run_id);
      await refreshParts();
    } catch (error) {
      output.dataset.state = "failed";
      output.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }

  // One stop for the Tab key; arrows go on from there, by what is drawn beside what.
  function useArrowKeys(grid) {
    const cells = [...grid.querySelectorAll("a")];
    if (cells.length < 2) return;
    let current = cells.find((cell) => cell.hasAttribute("aria-current")) ?? cells.at(-1);
    const stop = (cell) => {
      current.setAttribute("tabindex", "-1");
      cell.setAttribute("tabindex", "0");
      current = cell;
    };
    cells.forEach((cell) => cell.setAttribute("tabindex", "-1"));
    stop(current);
    const centre = (cell) => {
      const box = cell.getBoundingClientRect();
      return [box.x + box.width / 2, box.y + box.height / 2];
    };
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    grid.addEventListener("keydown", (event) => {
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      const [x, y] = centre(current);
      let [nearest, least] = [null, Infinity];
      for (const cell of cells) {
        const [dx, dy] = [centre(cell)[0] - x, centre(cell)[1] - y];
        const along = dx * way[0] + dy * way[1];
        const across = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (along > 1 && across < 2 && along < least) [nearest, least] = [cell, along];
      }
      if (nearest) { stop(nearest); nearest.focus(); }
    });
    grid.addEventListener("focusin", (event) => stop(event.target.closest("a") ?? current));
  }

  followTheme();
  addEventListener("storage", followTheme);
  addEventListener("click", openAround);
  addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-trigger-dag]");
    if (button) trigger(button);
  });
  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-grid]").forEach(useArrowKeys);
    for (const strip of document.querySelectorAll(".end")) strip.scrollLeft = strip.scrollWidth;
  });
})();
