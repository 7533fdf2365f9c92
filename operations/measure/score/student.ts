// Student's t, for how sure a difference of a few runs is.

/** Of a smooth function, by Simpson's rule. */
function integral(of: (x: number) => number, from: number, to: number, steps = 400): number {
  const width = (to - from) / steps;
  let sum = of(from) + of(to);
  for (let step = 1; step < steps; step++) sum += of(from + step * width) * (step % 2 === 1 ? 4 : 2);
  return (sum * width) / 3;
}

/** The chance of a value below `t`. With t = √v · tan x the density is cos^(v-1) x: nothing of it is far away. */
export function studentBelow(t: number, freedom: number): number {
  const density = (x: number) => Math.cos(x) ** (freedom - 1);
  const half = integral(density, 0, Math.PI / 2);
  return 0.5 + integral(density, 0, Math.atan(t / Math.sqrt(freedom))) / (2 * half);
}
