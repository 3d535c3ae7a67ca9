// Draws the funnel's plot from the figures that the page carries, in the colours of the admin's
// theme. Each step has its own sign and its own dashes, so that colour tells nothing alone.
"use strict";

(() => {
  const canvas = document.getElementById("funnel-plot");
  const { days, steps } = JSON.parse(document.getElementById("funnel-data").textContent);
  const buttons = [...document.querySelectorAll(".step-name")];
  const signs = ["circle", "rect", "triangle", "rectRot", "star"];
  const dashes = [[], [8, 3], [2, 2], [8, 3, 2, 3], [5, 5]];
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chart;

  const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const isShown = (button) => button.getAttribute("aria-pressed") === "true";

  const radius = (width) => Math.min(4, Math.max(1.5, width / days.length / 6));

  function line(step, index) {
    const colour = themed(`--step-${step.key}`);
    return {
      label: step.name,
      data: step.counts,
      hidden: !isShown(buttons[index]),
      // Where lines meet, the later step lies on top, smaller, and lets the others be seen.
      order: -index,
      pointStyle: signs[index],
      pointRadius: ({ chart }) => radius(chart.width) * (1 + (steps.length - index) / 8),
      pointHoverRadius: 7,
      borderWidth: 2,
      borderDash: dashes[index],
      borderColor: colour,
      backgroundColor: colour,
    };
  }

  function options(isMoving) {
    const text = themed("--body-fg");
    const ticks = { color: themed("--body-quiet-color") };
    return {
      animation: isMoving && !calm.matches ? { duration: 300 } : false,
      interaction: { mode: "index", intersect: false },
      maintainAspectRatio: false,
      plugins: {
        legend: { display: false },
        tooltip: {
          usePointStyle: true,
          backgroundColor: themed("--body-bg"),
          borderColor: themed("--border-color"),
          borderWidth: 1,
          titleColor: text,
          bodyColor: text,
        },
      },
      scales: {
        x: { ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 12 }, grid: { display: false } },
        y: {
          beginAtZero: true,
          ticks: { ...ticks, precision: 0 },
          grid: { color: themed("--hairline-color") },
          border: { display: false },
        },
      },
    };
  }

  function draw({ isMoving = false } = {}) {
    chart?.destroy();
    const data = { labels: days, datasets: steps.map(line) };
    chart = new Chart(canvas, { type: "line", data, options: options(isMoving) });
  }

  draw({ isMoving: true });
  dark.addEventListener("change", () => draw());
  const theme = new MutationObserver(() => draw());
  theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(!isShown(button)));
      draw();
    });
  }
})();
