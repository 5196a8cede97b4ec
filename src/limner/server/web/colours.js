// A model of colours: a mixture of Gaussians with one variance a channel.

const COMPONENTS = 5;
const ROUNDS = 6;
const SAMPLES = 1200;
const LEAST_VARIANCE = 40; // grey levels squared

/** The mixture that fits the colours, (N, 4) bytes, at some places. */
export function colourModel(colours, places) {
  const stride = Math.max(1, Math.floor(places.length / SAMPLES));
  const samples = places.filter((_, i) => i % stride === 0);
  const colour = (place) => [colours[4 * place], colours[4 * place + 1], colours[4 * place + 2]];
  const byLight = samples.map(colour).sort((one, other) => one[0] + one[1] + one[2] - other[0] - other[1] - other[2]);
  const count = Math.min(COMPONENTS, byLight.length);
  let centres = Array.from({ length: count }, (_, k) => byLight[Math.floor(((k + 0.5) * byLight.length) / count)]);
  let groups = [];
  for (let round = 0; round < ROUNDS; round++) {
    groups = centres.map(() => []);
    for (const one of byLight) groups[nearest(centres, one)].push(one);
    centres = groups.map((group, k) => (group.length ? mean(group) : centres[k]));
  }
  return groups.flatMap((group, k) => (group.length ? [gaussianOf(group, centres[k], byLight.length)] : []));
}

function gaussianOf(group, centre, total) {
  const variance = [0, 1, 2].map((c) => {
    const sum = group.reduce((all, one) => all + (one[c] - centre[c]) ** 2, 0);
    return LEAST_VARIANCE + sum / group.length;
  });
  const scale = Math.log(group.length / total) - 0.5 * Math.log(variance[0] * variance[1] * variance[2]);
  return { centre, weights: variance.map((one) => 0.5 / one), scale };
}

/** Logarithm of how likely the colour is that starts at a place of the bytes, up to a constant. */
export function logLikelihood(model, colours, place) {
  let most = -Infinity;
  for (const { centre, weights, scale } of model) {
    const red = colours[place] - centre[0];
    const green = colours[place + 1] - centre[1];
    const blue = colours[place + 2] - centre[2];
    const found = scale - weights[0] * red * red - weights[1] * green * green - weights[2] * blue * blue;
    if (found > most) most = found;
  }
  return most;
}

function nearest(centres, [red, green, blue]) {
  let found = 0;
  let least = Infinity;
  centres.forEach((centre, k) => {
    const distance = (centre[0] - red) ** 2 + (centre[1] - green) ** 2 + (centre[2] - blue) ** 2;
    if (distance < least) [found, least] = [k, distance];
  });
  return found;
}

function mean(group) {
  return [0, 1, 2].map((c) => group.reduce((sum, one) => sum + one[c], 0) / group.length);
}
