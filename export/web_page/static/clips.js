// The reader's own clips as frames: GIFs, images, videos, the camera. Nothing leaves the browser.

import { fromPicture } from "./frames.js";
import { Problem } from "./problem.js";

const FRAMES_PER_SECOND = 10; // of videos and of the camera

// Frames of one file, or of several images in the order of their names.
export async function fromFiles(files, shape, least, most) {
  files = [...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const frames = [];
  for (const file of files) {
    const take = file.type.startsWith("video/") ? fromVideo : fromImage;
    try {
      frames.push(...(await take(file, shape, most - frames.length)));
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem(`${file.name} is no image or video that this browser can read.`);
    }
    if (frames.length >= most) break;
  }
  if (frames.length < least)
    throw new Problem(
      `That is ${frames.length} frame${frames.length === 1 ? "" : "s"}; the model needs ${least} ` +
        "or more: give a longer clip, or several images at once.",
    );
  return frames;
}

async function fromImage(file, { size, channels }, most) {
  if (file.type === "image/gif" || file.type === "image/webp") {
    if ("ImageDecoder" in globalThis && (await ImageDecoder.isTypeSupported(file.type)))
      return fromAnimation(file, { size, channels }, most);
    if (file.type === "image/gif")
      throw new Problem("This browser cannot take GIFs apart: give the frames as images.");
  }
  const bitmap = await createImageBitmap(file);
  const frame = fromPicture(bitmap, bitmap.width, bitmap.height, size, channels);
  bitmap.close();
  return [frame];
}

async function fromAnimation(file, { size, channels }, most) {
  const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: file.type });
  await decoder.tracks.ready;
  await decoder.completed;
  const length = Math.min(decoder.tracks.selectedTrack.frameCount, most);
  const frames = [];
  for (let frameIndex = 0; frameIndex < length; frameIndex++) {
    const { image } = await decoder.decode({ frameIndex });
    frames.push(fromPicture(image, image.displayWidth, image.displayHeight, size, channels));
    image.close();
  }
  decoder.close();
  return frames;
}

async function fromVideo(file, { size, channels }, most) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  const happens = (name) =>
    new Promise((resolve, reject) => {
      video.addEventListener(name, resolve, { once: true });
      video.addEventListener("error", reject, { once: true });
    });
  try {
    Object.assign(video, { muted: true, preload: "auto" });
    const loaded = happens("loadeddata");
    video.src = url;
    await loaded;
    const frames = [];
    for (let time = 0; frames.length < most && time < video.duration; time += 1 / FRAMES_PER_SECOND) {
      const arrived = happens("seeked");
      const shown = new Promise((resolve) => video.requestVideoFrameCallback?.(resolve));
      video.currentTime = time;
      await arrived;
      // A busy browser draws the frame before until it has shown this one. None is to come where the
      // frame is the same, and not all browsers tell.
      await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, 250))]);
      frames.push(fromPicture(video, video.videoWidth, video.videoHeight, size, channels));
    }
    return frames;
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

// Frames of the camera; `tell(number)` is called after each.
export async function fromCamera({ size, channels }, most, tell) {
  let stream;
  try {
    if (!navigator.mediaDevices) throw new Error("not there");
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 } } });
  } catch (error) {
    const why = error.name === "NotAllowedError" ? "was not allowed" : "cannot be had here";
    throw new Problem(`The camera ${why}: give a file, or allow it and try again.`);
  }
  const video = document.createElement("video");
  try {
    Object.assign(video, { muted: true, playsInline: true, srcObject: stream });
    await video.play();
    const frames = [];
    while (frames.length < most) {
      await new Promise((resolve) => setTimeout(resolve, 1000 / FRAMES_PER_SECOND));
      frames.push(fromPicture(video, video.videoWidth, video.videoHeight, size, channels));
      tell(frames.length);
    }
    return frames;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
