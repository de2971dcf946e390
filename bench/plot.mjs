// A plot of lines over two logarithmic axes, as SVG.
const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 80, right: 110, top: 40, bottom: 50 };
const COLOURS = ['#1f77b4', '#d95f02', '#2ca02c', '#7570b3'];

/**
 * @param lines each with its name and its points `[x, y]`, all above 0
 * @returns the text of the file
 */
export function plot({ title, x, y, lines }) {
  const all = lines.flatMap(({ points }) => points);
  const xAxis = axis(
    all.map(([value]) => value),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const yAxis = axis(
    all.map(([, value]) => value),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const grid = [
    ...xAxis.ticks.map((value) => {
      const at = xAxis.place(value);
      return `<path d="M${at} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" stroke="#ccc"/><text x="${at}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${value.toLocaleString('en')}</text>`;
    }),
    ...yAxis.ticks.map((value) => {
      const at = yAxis.place(value);
      return `<path d="M${MARGIN.left} ${at}H${WIDTH - MARGIN.right}" stroke="#ccc"/><text x="${MARGIN.left - 8}" y="${at + 4}" text-anchor="end">${value.toLocaleString('en')}</text>`;
    }),
  ];
  const drawn = lines.map(({ name, points }, i) => {
    const places = points.map(([px, py]) => [xAxis.place(px), yAxis.place(py)]);
    const [lastX, lastY] = places.at(-1);
    const dots = places
      .map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${COLOURS[i]}"/>`)
      .join('');
    return `<polyline points="${places.join(' ')}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>${dots}<text x="${lastX + 8}" y="${lastY + 4 + 14 * (i - 1)}" fill="${COLOURS[i]}">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${MARGIN.left}" y="22" font-size="15">${title}</text>
${grid.join('\n')}
${drawn.join('\n')}
<text x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${x}</text>
<text transform="rotate(-90)" x="${-HEIGHT / 2}" y="16" text-anchor="middle">${y}</text>
</svg>
`;
}

/** From the power of ten below the least value to the one above the largest. */
function axis(values, from, to) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const place = (value) => Math.round(from + ((Math.log10(value) - low) / (high - low)) * (to - from));
  return { place, ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)) };
}
