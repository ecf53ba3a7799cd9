// The videos side by side: what happened, and futures of it, as they are drawn.

import { draw } from "./frames.js";
import { decode, encode, framesPerCall, imagine, observe } from "./futures.js";
import { seededNoise } from "./noise.js";

const MOST_AT_ONCE = 12; // milliseconds of arithmetic before the browser may draw

export class Stage {
  // `clips`: the element of the videos; `player`: see player.js; `tell`: see page.js.
  constructor({ clips, demo, model, player, tell }) {
    Object.assign(this, { clips, demo, model, player, tell });
    this.setFrames([]);
    this.predicted = []; // [future][state]
    this.figures = [];
    this.turn = 0;
  }

  // Frames of the conditioning and, where they are known, of what came then.
  setFrames(frames) {
    this.frames = frames; // that are known
    this.observed = this.demo.conditioningFrames;
  }

  // All frames of the clock: given, and predicted ones.
  get total() {
    return this.demo.conditioningFrames + this.demo.horizon;
  }

  canObserve() {
    return this.observed < Math.min(this.frames.length, this.total - 1);
  }

  // Draws the futures of what has been observed; a later call takes the place of one that runs.
  // `noise`: see futures.js; that of the seed, if none is given.
  async redraw({ seed, numFutures, rate, noise = seededNoise(seed, this.demo) }) {
    const { model, demo } = this;
    const turn = ++this.turn;
    const eulerSteps = Math.ceil(demo.eulerSteps / rate) * rate;
    const before = model.seconds;
    let state = await encode(model, this.frames.slice(0, demo.conditioningFrames), noise, numFutures);
    for (const frame of this.frames.slice(demo.conditioningFrames, this.observed)) {
      if (turn !== this.turn) return;
      state = await observe(model, state, frame, noise);
    }
    if (turn !== this.turn) return;
    const horizon = this.total - this.observed;
    const paths = await imagine(model, state, noise, { horizon, eulerSteps, framesPerStep: rate });
    if (turn !== this.turn) return;

    this.rate = rate;
    this.predicted = paths.map(() => []);
    this.#makeFigures(numFutures);
    const length = (this.total - 1) * rate + 1;
    const numGiven = (this.observed - 1) * rate + 1;
    this.player.setTimeline({ length, ticksPerFrame: rate, numGiven });

    // All futures of a moment before the next moment, so that they can be played at once.
    const order = paths[0].flatMap((_, k) => paths.map((path, s) => [s, path[k]]));
    const most = framesPerCall(model);
    let free = performance.now();
    for (let first = 0; first < order.length; first += most) {
      const some = order.slice(first, first + most);
      const frames = await decode(model, state, some.map(([, y]) => y));
      if (turn !== this.turn) return;
      frames.forEach((frame, i) => this.predicted[some[i][0]].push(frame));
      if (performance.now() - free > MOST_AT_ONCE) {
        await new Promise((resolve) => setTimeout(resolve));
        free = performance.now();
        if (turn !== this.turn) return;
      }
    }
    this.show(this.player.tick);
    this.tell(order.length, model.seconds - before);
  }

  show(tick) {
    const { rate = 1, observed, demo } = this;
    const frame = Math.floor(tick / rate);
    const given = this.frames[frame];
    const first = (observed - 1) * rate + 1; // tick of the first prediction
    this.figures.forEach(({ figure, canvas, future }) => {
      let [picture, kind] = [given, "given"];
      if (future !== undefined && tick >= first) {
        const known = this.predicted[future];
        if (!known.length) return; // being drawn: what is seen stays
        [picture, kind] = [known[Math.min(tick - first, known.length - 1)], "predicted"];
      }
      figure.dataset.kind = picture ? kind : "none";
      draw(canvas, picture, demo.frameSize, demo.channels);
    });
  }

  #makeFigures(numFutures) {
    if (this.figures.length === numFutures + 1) return;
    this.figures = Array.from({ length: numFutures + 1 }, (_, i) => {
      const caption = i ? `Future ${i}` : "What happened";
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      const text = document.createElement("figcaption");
      figure.className = "clip";
      canvas.width = canvas.height = this.demo.frameSize;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", caption);
      text.textContent = caption;
      figure.append(canvas, text);
      return { figure, canvas, future: i ? i - 1 : undefined };
    });
    this.clips.replaceChildren(...this.figures.map(({ figure }) => figure));
  }
}
