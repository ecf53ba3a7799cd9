// The page: joins the model, the stage, the controls and what is given to the model.

import { Board, SIDE } from "./board.js";
import { fromCamera, fromFiles } from "./clips.js";
import { draw, fromBytes } from "./frames.js";
import { Model, fetchBytes } from "./model.js";
import { Pad } from "./pad.js";
import { Player } from "./player.js";
import * as problem from "./problem.js";
import { Stage } from "./stage.js";

const demo = JSON.parse(document.getElementById("demo").textContent);
const find = (id) => document.getElementById(id);
const on = (id, event, work) => find(id).addEventListener(event, work);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const shape = { size: demo.frameSize, channels: demo.channels };
let stage;

// Runs what a control starts; whatever goes wrong is said.
function act(work) {
  return async (...given) => {
    problem.clear();
    try {
      await work(...given);
    } catch (error) {
      problem.show(error);
    }
  };
}

function settings() {
  return {
    seed: Number(find("seed").value),
    numFutures: Number(find("futures").value),
    rate: Number(find("rate").value),
  };
}

const redraw = act(async () => {
  for (const id of ["seed", "futures"]) find(`${id}-value`).textContent = find(id).value;
  find("rate-value").textContent = `${find("rate").value}×`;
  const observed = stage.observed - demo.conditioningFrames;
  find("observe").disabled = !stage.canObserve();
  find("again").disabled = observed === 0;
  find("observed").textContent =
    `${demo.conditioningFrames} frames given` +
    (observed ? `, ${observed} more observed` : "") +
    (stage.frames.length <= stage.observed ? "; what came next is not known" : "");
  await stage.redraw(settings());
});

async function give(frames, name) {
  stage.setFrames(frames);
  find("source").textContent = name;
  stage.player.go(0);
  await redraw();
  if (!calm) stage.player.play();
}

function goToStage() {
  find("stage").scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest" });
}

function tell(numFrames, seconds) {
  const rate = Math.round(numFrames / seconds);
  find("meter").textContent =
    `The model drew ${numFrames} frames in ${seconds.toFixed(2)} s: ${rate} frames per second`;
  find("stage").dataset.drawn = Number(find("stage").dataset.drawn ?? 0) + 1;
}

function connectControls() {
  for (const id of ["seed", "futures", "rate"]) on(id, "input", redraw);
  on("another", "click", () => {
    find("seed").value = (Number(find("seed").value) + 1) % (Number(find("seed").max) + 1);
    redraw();
  });
  on("observe", "click", observeNext);
  on("again", "click", () => {
    stage.observed = demo.conditioningFrames;
    redraw();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "o" && !event.ctrlKey && !event.metaKey && !event.altKey)
      observeNext();
  });
}

function observeNext() {
  if (!stage.canObserve()) return;
  stage.observed += 1;
  redraw();
}

async function offerExamples() {
  const { file, count } = demo.examples;
  const videos = fromBytes(await fetchBytes(file), count, demo.frameSize, demo.channels);
  videos.forEach((frames, i) => {
    const button = pictureButton(`Test video ${i + 1}`, demo.frameSize, "example");
    draw(button.firstChild, frames[demo.conditioningFrames - 1], demo.frameSize, demo.channels);
    button.addEventListener("click", act(() => give(frames, `Test video ${i + 1}`).then(goToStage)));
    find("examples").append(button);
  });
  return videos;
}

function pictureButton(label, side, className) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  button.type = "button";
  button.className = className;
  button.setAttribute("aria-label", label);
  button.append(canvas);
  return button;
}

async function offerDigits() {
  const bytes = await fetchBytes(demo.digits.file);
  const each = SIDE * SIDE;
  const pictures = Array.from({ length: bytes.length / each }, (_, i) =>
    bytes.subarray(i * each, (i + 1) * each),
  );
  const throwThem = act(async () => {
    await give(board.frames(stage.total), "The digits that you threw");
    goToStage();
  });
  const board = new Board(find("board"), pictures, demo.digits, demo.frameSize, throwThem);
  const offer = (picture, label) => {
    const button = pictureButton(label, SIDE, "pick");
    draw(button.firstChild, Float32Array.from(picture, (v) => v / 255), SIDE, 1);
    button.addEventListener("click", () => board.pick(picture));
    find("picks").append(button);
  };
  pictures.forEach((picture, i) => offer(picture, `Pick a ${i}`));
  on("shuffle", "click", () => board.randomize(pictures));
  on("throw", "click", throwThem);
  const pad = new Pad(find("pad"));
  on("clear-pad", "click", () => pad.clear());
  const useDrawing = act(() => {
    const picture = pad.picture();
    if (!picture) throw new problem.Problem("Nothing is drawn yet: draw on the black square.");
    offer(picture, "Pick your drawing");
    board.pick(picture);
    pad.clear();
  });
  on("use-pad", "click", useDrawing);
}

function offerClips() {
  const least = demo.conditioningFrames;
  const useFiles = act(async () => {
    const files = [...find("file").files];
    find("file").value = ""; // the same file can be chosen again
    if (!files.length) return;
    const frames = await fromFiles(files, shape, least, stage.total);
    await give(frames, files.length > 1 ? `${files.length} files` : files[0].name);
    goToStage();
  });
  on("file", "change", useFiles);
  const useCamera = act(async () => {
    const say = (text) => (find("camera-state").textContent = text);
    try {
      find("camera").disabled = true;
      const tellCount = (count) => say(`${count} of ${stage.total} frames`);
      const frames = await fromCamera(shape, stage.total, tellCount);
      await give(frames, "Your camera");
      goToStage();
    } finally {
      find("camera").disabled = false;
      say("");
    }
  });
  on("camera", "click", useCamera);
}

async function start() {
  const model = await Model.load(demo.model, demo.wasm);
  const player = new Player(find("stage"), (tick) => stage?.show(tick));
  stage = new Stage({ clips: find("clips"), demo, model, player, tell });
  connectControls();
  offerClips();
  const [first] = await offerExamples();
  if (demo.digits) await offerDigits();
  document.body.classList.add("ready");
  find("loading").hidden = true;
  await give(first, "Test video 1");
  return { model, stage };
}

// For tests, and for those who try things in the console: {model, stage}, null after a fault.
export const ready = start().catch((error) => {
  find("loading").hidden = true;
  problem.show(error);
  return null;
});
