// The board on which digits are picked, placed and thrown.
//
// A digit is a button: dragged and let go in motion it is thrown; its arrow keys change its speed,
// with Shift its place.

import { draw } from "./frames.js";
import { render, trajectory } from "./motion.js";

export const SIDE = 28; // of a digit's picture
const FLICK_SECONDS = 0.12; // of a drag's end: they make its speed
const FRAMES_PER_SECOND = 6; // as the player has it
const ARROW_LENGTH = 4; // frames of motion that an arrow shows
const KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const below = (count) => Math.floor(Math.random() * count);
const clamped = (value, least, most) => Math.min(Math.max(Math.round(value), least), most);

export class Board {
  // `pictures`: Uint8Array [28 * 28] each; `rules`: see page.py; `thrown()` is called at a throw.
  constructor(element, pictures, rules, size, thrown) {
    Object.assign(this, { element, rules, size, thrown });
    this.extent = size - SIDE;
    this.canvas = element.querySelector("canvas");
    this.canvas.width = this.canvas.height = size;
    this.arrows = element.querySelector("svg");
    this.arrows.setAttribute("viewBox", `0 0 ${size} ${size}`);
    this.selected = 0;
    this.digits = Array.from({ length: rules.numDigits }, (_, i) => this.#makeDigit(i));
    this.#arrange(pictures);
  }

  // Two, or more, to start with: in opposite corners, on their ways to meet.
  #arrange(pictures) {
    const fast = Math.min(3, this.rules.maxSpeed);
    const slow = Math.min(1, this.rules.maxSpeed);
    this.digits.forEach((digit, i) => {
      const corner = i % 2 ? this.extent - 3 : 3;
      const sign = i % 2 ? -1 : 1;
      const speed = { dx: sign * slow, dy: sign * fast };
      Object.assign(digit, { picture: pictures[(3 + 5 * i) % 10], x: corner, y: corner, ...speed });
    });
    this.select(0);
    this.refresh();
  }

  #makeDigit(index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "thrown";
    this.element.append(button);
    const digit = { button, picture: null, x: 0, y: 0, dx: 0, dy: 0 };
    button.addEventListener("focus", () => this.select(index));
    button.addEventListener("pointerdown", (event) => this.#drag(event, digit));
    button.addEventListener("keydown", (event) => this.#onKey(event, digit));
    return digit;
  }

  select(index) {
    this.selected = index;
    this.digits.forEach((d, i) => d.button.classList.toggle("selected", i === index));
  }

  // Puts a picture in the place of the selected digit; the next pick replaces the next one.
  pick(picture) {
    this.digits[this.selected].picture = picture;
    this.select((this.selected + 1) % this.digits.length);
    this.refresh();
  }

  // Other digits, places and speeds, as the corpus has them.
  randomize(pictures) {
    for (const digit of this.digits)
      Object.assign(digit, {
        picture: pictures[below(pictures.length)],
        x: below(this.extent + 1),
        y: below(this.extent + 1),
        dx: this.#anySpeed(),
        dy: this.#anySpeed(),
      });
    this.select(0);
    this.refresh();
  }

  refresh() {
    const { size, element } = this;
    const pictures = this.digits.map((digit) => digit.picture);
    const corners = this.digits.map(({ x, y }) => [[Math.round(x), Math.round(y)]]);
    draw(this.canvas, render(pictures, corners, SIDE, size)[0], size, 1);
    const percent = (pixels) => `${(100 * pixels) / size}%`;
    this.arrows.replaceChildren(...this.digits.map((digit) => this.#arrow(digit)));
    this.digits.forEach((digit, i) => {
      const { button, x, y, dx, dy } = digit;
      const side = percent(SIDE);
      Object.assign(button.style, { left: percent(y), top: percent(x), width: side, height: side });
      const speed = `${Math.abs(dx)} ${dx < 0 ? "up" : "down"}, ${Math.abs(dy)} ${dy < 0 ? "left" : "right"}`;
      button.setAttribute("aria-label", `Digit ${i + 1}: moves ${speed} a frame`);
    });
    element.dataset.motions = JSON.stringify(this.motions());
  }

  #arrow({ x, y, dx, dy }) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const [row, column] = [x + SIDE / 2, y + SIDE / 2];
    const ends = { x1: column, y1: row, x2: column + ARROW_LENGTH * dy, y2: row + ARROW_LENGTH * dx };
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
    if (dx || dy) line.setAttribute("marker-end", "url(#arrowhead)");
    return line;
  }

  #anySpeed() {
    return below(2 * this.rules.maxSpeed + 1) - this.rules.maxSpeed;
  }

  motions() {
    return this.digits.map(({ x, y, dx, dy }) => ({ x, y, dx, dy }));
  }

  #move(digit, x, y) {
    Object.assign(digit, { x: clamped(x, 0, this.extent), y: clamped(y, 0, this.extent) });
  }

  #accelerate(digit, dx, dy) {
    const fastest = this.rules.maxSpeed;
    const speed = { dx: clamped(dx, -fastest, fastest), dy: clamped(dy, -fastest, fastest) };
    Object.assign(digit, speed);
  }

  #onKey(event, digit) {
    if (!(event.key in KEYS)) return;
    event.preventDefault();
    const [down, right] = KEYS[event.key];
    if (event.shiftKey) this.#move(digit, digit.x + down, digit.y + right);
    else this.#accelerate(digit, digit.dx + down, digit.dy + right);
    this.refresh();
  }

  #drag(event, digit) {
    const { button } = digit;
    const scale = this.size / this.canvas.clientWidth;
    const { x, y } = digit;
    const path = [{ time: event.timeStamp, x: event.clientX, y: event.clientY }];
    const [start] = path;
    button.setPointerCapture(event.pointerId);
    const onMove = (moved) => {
      path.push({ time: moved.timeStamp, x: moved.clientX, y: moved.clientY });
      this.#move(digit, x + (moved.clientY - start.y) * scale, y + (moved.clientX - start.x) * scale);
      this.refresh();
    };
    const onEnd = (ended) => {
      button.removeEventListener("pointermove", onMove);
      if (path.length === 1) return; // a click, which selects
      const since = ended.timeStamp / 1000 - FLICK_SECONDS;
      const from = path.find((point) => point.time / 1000 >= since);
      const to = path.at(-1);
      if (ended.type !== "pointerup" || !from || from === to) return; // placed, and let go at rest
      const seconds = Math.max((to.time - from.time) / 1000, 0.01);
      const perFrame = scale / seconds / FRAMES_PER_SECOND;
      this.#accelerate(digit, (to.y - from.y) * perFrame, (to.x - from.x) * perFrame);
      this.refresh();
      this.thrown();
    };
    button.addEventListener("pointermove", onMove);
    button.addEventListener("pointerup", onEnd, { once: true });
    button.addEventListener("pointercancel", onEnd, { once: true });
  }

  // The frames of a throw, [numFrames]: where the rule draws new velocities, each throw draws others.
  frames(numFrames) {
    const draw = this.rules.deterministic ? null : () => this.#anySpeed();
    const paths = this.motions().map((motion) => trajectory(motion, numFrames, this.extent, draw));
    return render(this.digits.map((digit) => digit.picture), paths, SIDE, this.size);
  }
}
