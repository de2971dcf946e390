/**
 * Paints a snapshot of the floor: one byte for each cell, row by row from the north-west.
 *
 * @param names colours of the style sheet for 0 (free), 1 (obstacle) and 2 (robot)
 */
export function paintCells(canvas, cells, names) {
  const context = canvas.getContext('2d');
  const colours = names.map((name) => pixel(context, name));
  const image = context.createImageData(canvas.width, canvas.height);
  cells.forEach((cell, index) => image.data.set(colours[cell], index * 4));
  context.putImageData(image, 0, 0);
}

/** Red, green, blue and opacity of a colour of the style sheet, as it is now. */
function pixel(context, name) {
  context.fillStyle = colour(name);
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

/** A colour of the style sheet in words that a canvas understands, as it is now. */
export function colour(name) {
  const probe = swatch(name);
  document.body.append(probe);
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return backgroundColor;
}

export function swatch(name) {
  const mark = document.createElement('i');
  mark.style.background = `var(${name})`;
  return mark;
}

/** Does it now, and whenever the page turns dark or light. */
export function paintAlways(paint) {
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
}
