// Players: rows of canvases with one clock. Every canvas draws tiles of the player's sheet.
"use strict";

(() => {
  const HOLD_AT_END = 0.7; // seconds, before a player begins again
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  class Player {
    constructor(element) {
      const data = element.dataset;
      this.element = element;
      this.length = Number(data.length);
      this.ticksPerFrame = Number(data.ticksPerFrame);
      this.ticksPerSecond = Number(data.ticksPerSecond);
      this.numGiven = Number(data.numGiven);
      this.columns = Number(data.columns);
      this.width = Number(data.width);
      this.height = Number(data.height);
      this.tick = 0;
      this.elapsed = 0; // seconds since the tick was shown
      this.playing = false;
      this.visible = 0; // pixels
      this.listeners = [];
      this.clips = [...element.querySelectorAll(".clip")].map((figure) => ({
        figure,
        context: figure.querySelector("canvas").getContext("2d"),
        tiles: figure.dataset.tiles.split(" ").map(Number),
        predictedFrom: Number(figure.dataset.predictedFrom),
      }));
      this.sheet = null;
      this.transport = element.querySelector(".transport");
      this.playButton = element.querySelector(".play");
      this.scrub = element.querySelector(".scrub");
      this.time = element.querySelector(".time");
      this.speed = element.querySelector("select");
      this.transport.hidden = false;
      this.playButton.addEventListener("click", () => this.toggle());
      element.querySelector(".back").addEventListener("click", () => this.step(-1));
      element.querySelector(".forth").addEventListener("click", () => this.step(1));
      this.scrub.addEventListener("input", () => {
        this.pause();
        this.show(Number(this.scrub.value));
      });
      this.show(0);
    }

    // The sheet is fetched when the player comes near the window.
    load() {
      if (this.sheet) return;
      this.sheet = new Image();
      this.sheet.addEventListener("load", () => {
        this.element.dataset.ready = "";
        this.show(this.tick);
      });
      this.sheet.src = this.element.dataset.sheet;
    }

    show(tick) {
      this.tick = tick;
      this.elapsed = 0;
      this.element.dataset.tick = tick;
      for (const clip of this.clips) this.draw(clip);
      const frame = Math.floor((tick / this.ticksPerFrame) * 100) / 100 + 1;
      const frames = Math.floor((this.length - 1) / this.ticksPerFrame) + 1;
      const what = !this.numGiven ? "" : tick < this.numGiven ? " given" : " predicted";
      this.time.textContent = `${frame} / ${frames}${what}`;
      this.scrub.value = tick;
      this.scrub.setAttribute("aria-valuetext", `frame ${frame} of ${frames}${what}`);
      for (const listener of this.listeners) listener(tick / this.ticksPerFrame);
    }

    draw({ figure, context, tiles, predictedFrom }) {
      const { width, height, columns } = this;
      const tile = tiles[this.tick];
      figure.dataset.kind = tile < 0 ? "none" : this.tick < predictedFrom ? "given" : "predicted";
      context.clearRect(0, 0, width, height);
      if (tile < 0 || !this.sheet || !this.sheet.complete) return;
      const left = (tile % columns) * width;
      const top = Math.floor(tile / columns) * height;
      context.drawImage(this.sheet, left, top, width, height, 0, 0, width, height);
    }

    step(count) {
      this.pause();
      this.show((this.tick + count + this.length) % this.length);
    }

    play() {
      this.playing = true;
      this.elapsed = 0;
      this.mark();
      if (this.tick === this.length - 1) this.show(0);
    }

    pause() {
      this.playing = false;
      this.mark();
    }

    toggle() {
      this.playing ? this.pause() : this.play();
    }

    mark() {
      this.element.classList.toggle("playing", this.playing);
      this.playButton.setAttribute("aria-label", this.playing ? "Pause" : "Play");
      showWhetherAnyPlays();
    }

    advance(seconds) {
      if (!this.playing || !this.visible) return;
      this.elapsed += seconds;
      const atEnd = this.tick === this.length - 1;
      const due = 1 / (this.ticksPerSecond * Number(this.speed.value)) + (atEnd ? HOLD_AT_END : 0);
      if (this.elapsed < due) return;
      // A slow machine skips ticks rather than time, but never the last one.
      const passed = atEnd ? 1 : Math.floor(this.elapsed / due);
      const rest = atEnd ? 0 : this.elapsed - passed * due;
      this.show(atEnd ? 0 : Math.min(this.tick + passed, this.length - 1));
      this.elapsed = rest;
    }
  }

  const all = document.querySelector(".all");
  const players = [];

  function showWhetherAnyPlays() {
    all.textContent = players.some((player) => player.playing) ? "Pause all" : "Play all";
  }

  // The player that keys are for: that with the focus, else the one most in sight.
  function current() {
    const focused = players.find((player) => player.element.contains(document.activeElement));
    return focused ?? players.reduce((a, b) => (b.visible > a.visible ? b : a));
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const target = event.target.closest("button, select, summary, a, input, [tabindex]");
    const isScrub = target?.matches(".scrub");
    const actions = {
      " ": (player) => player.toggle(),
      ArrowLeft: (player) => player.step(-1),
      ArrowRight: (player) => player.step(1),
      Home: (player) => player.step(-player.tick),
      End: (player) => player.step(player.length - 1 - player.tick),
    };
    // Elements that have a use for a key keep it.
    if (!(event.key in actions) || (target && !(isScrub && event.key === " "))) {
      const isButton = target?.matches(".transport button");
      if (!(isButton && event.key !== " " && event.key in actions)) return;
    }
    const player = current();
    if (!player.visible && !isScrub) return;
    event.preventDefault();
    actions[event.key](player);
  }

  function follow(charts, player) {
    for (const svg of charts.querySelectorAll("svg")) {
      const xs = svg.dataset.xs.split(" ").map(Number);
      const now = svg.querySelector(".now");
      player.listeners.push((frame) => {
        const x = xs[Math.floor(frame) - player.numGiven / player.ticksPerFrame];
        now.setAttribute("visibility", x === undefined ? "hidden" : "visible");
        if (x !== undefined) now.setAttribute("transform", `translate(${x} 0)`);
      });
    }
    player.show(player.tick);
  }

  for (const element of document.querySelectorAll(".player")) players.push(new Player(element));
  if (!players.length) return;
  const byElement = new Map(players.map((player) => [player.element, player]));
  for (const charts of document.querySelectorAll("[data-follows]")) {
    follow(charts, byElement.get(document.getElementById(charts.dataset.follows)));
  }

  const near = new IntersectionObserver(
    (entries) => entries.forEach((e) => e.isIntersecting && byElement.get(e.target).load()),
    { rootMargin: "600px" },
  );
  const steps = Array.from({ length: 21 }, (_, i) => i / 20);
  const inSight = new IntersectionObserver(
    (entries) => entries.forEach((e) => (byElement.get(e.target).visible = e.intersectionRect.height)),
    { threshold: steps },
  );
  for (const player of players) {
    near.observe(player.element);
    inSight.observe(player.element);
    if (!calm) player.play();
  }

  all.hidden = false;
  all.addEventListener("click", () => {
    const anyPlays = players.some((player) => player.playing);
    for (const player of players) anyPlays ? player.pause() : player.play();
  });
  showWhetherAnyPlays();
  document.addEventListener("keydown", onKey);

  let last = performance.now();
  function run(now) {
    for (const player of players) player.advance(Math.min((now - last) / 1000, 0.25));
    last = now;
    requestAnimationFrame(run);
  }
  requestAnimationFrame(run);
})();
