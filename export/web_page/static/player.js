// A clock with its controls: it says which tick is to be shown, and who listens draws it.

const FRAMES_PER_SECOND = 6;
const HOLD_AT_END = 0.7; // seconds, before it begins again

export class Player {
  // `element` holds the controls, as index.html has them; `show(tick)` draws.
  constructor(element, show) {
    this.element = element;
    this.show = show;
    this.tick = 0;
    this.elapsed = 0; // seconds since the tick was shown
    this.playing = false;
    this.playButton = element.querySelector(".play");
    this.scrub = element.querySelector(".scrub");
    this.time = element.querySelector(".time");
    this.speed = element.querySelector("select");
    this.setTimeline({ length: 1, ticksPerFrame: 1, numGiven: 1 });
    this.playButton.addEventListener("click", () => this.toggle());
    element.querySelector(".back").addEventListener("click", () => this.step(-1));
    element.querySelector(".forth").addEventListener("click", () => this.step(1));
    this.scrub.addEventListener("input", () => {
      this.pause();
      this.go(Number(this.scrub.value));
    });
    document.addEventListener("keydown", (event) => this.#onKey(event));
    let last = performance.now();
    const run = (now) => {
      this.#advance(Math.min((now - last) / 1000, 0.25));
      last = now;
      requestAnimationFrame(run);
    };
    requestAnimationFrame(run);
  }

  // A new length in ticks, of which the first `numGiven` show given frames; the moment stays.
  setTimeline({ length, ticksPerFrame, numGiven }) {
    const frame = this.ticksPerFrame ? this.tick / this.ticksPerFrame : 0;
    Object.assign(this, { length, ticksPerFrame, numGiven });
    this.scrub.max = length - 1;
    this.scrub.style.setProperty("--split", `${((100 * numGiven) / length).toFixed(2)}%`);
    this.go(Math.min(Math.floor(frame * ticksPerFrame), length - 1));
  }

  go(tick) {
    this.tick = tick;
    this.elapsed = 0;
    this.element.dataset.tick = tick;
    const frame = Math.floor((tick / this.ticksPerFrame) * 100) / 100 + 1;
    const frames = Math.floor((this.length - 1) / this.ticksPerFrame) + 1;
    const what = tick < this.numGiven ? "given" : "predicted";
    this.time.textContent = `${frame} / ${frames} ${what}`;
    this.scrub.value = tick;
    this.scrub.setAttribute("aria-valuetext", `frame ${frame} of ${frames}, ${what}`);
    this.show(tick);
  }

  step(count) {
    this.pause();
    this.go((this.tick + count + this.length) % this.length);
  }

  play() {
    this.playing = true;
    if (this.tick === this.length - 1) this.go(0);
    this.#mark();
  }

  pause() {
    this.playing = false;
    this.#mark();
  }

  toggle() {
    this.playing ? this.pause() : this.play();
  }

  #mark() {
    this.element.classList.toggle("playing", this.playing);
    this.playButton.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }

  #advance(seconds) {
    if (!this.playing) return;
    this.elapsed += seconds;
    const atEnd = this.tick === this.length - 1;
    const pace = FRAMES_PER_SECOND * this.ticksPerFrame * Number(this.speed.value);
    const due = 1 / pace + (atEnd ? HOLD_AT_END : 0);
    if (this.elapsed < due) return;
    // A slow machine skips ticks rather than time, but never the last one.
    const passed = atEnd ? 1 : Math.floor(this.elapsed / due);
    const rest = atEnd ? 0 : this.elapsed - passed * due;
    this.go(atEnd ? 0 : Math.min(this.tick + passed, this.length - 1));
    this.elapsed = rest;
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const actions = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      Home: () => this.step(-this.tick),
      End: () => this.step(this.length - 1 - this.tick),
    };
    // Elements that have a use for a key keep it.
    const target = event.target.closest("button, select, summary, a, input, [tabindex]");
    const isTransport = target?.closest(".transport");
    const isFree =
      !target ||
      (target === this.scrub && event.key === " ") ||
      (isTransport && target.matches("button") && event.key !== " ");
    if (!(event.key in actions) || !isFree) return;
    event.preventDefault();
    actions[event.key]();
  }
}
