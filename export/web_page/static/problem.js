// Faults that a reader can do something about: one sentence each, in one place of the page.

export class Problem extends Error {}

export function show(error) {
  const element = document.getElementById("problem");
  element.textContent =
    error instanceof Problem ? error.message : `Something went wrong: ${error.message ?? error}`;
  element.hidden = false;
  if (!(error instanceof Problem)) console.error(error);
}

export function clear() {
  document.getElementById("problem").hidden = true;
}
