// A server's share of the requests, in per cent of its usual: 0 is drained. One arithmetic for the role's template and for what is changed at run time,
// so that the next up finds the file as it would write it.

export interface Weighted {
  readonly weight: number;
  readonly down: boolean;
}

/** Pure. nginx knows whole weights alone: where one has a part, all of its group count in hundredths. */
export function sharedOut(group: readonly Weighted[], shares: readonly number[]): readonly Weighted[] {
  const parted = shares.some((share) => share > 0 && share < 100);
  return group.map(({ weight, down }, index) => {
    const share = shares[index] ?? 100;
    return { weight: parted ? weight * (share || 100) : weight, down: down || share === 0 };
  });
}

/** What `sharedOut` made it from. */
export function unshared(group: readonly Weighted[], shares: readonly number[]): readonly Weighted[] {
  const parted = shares.some((share) => share > 0 && share < 100);
  return group.map(({ weight, down }, index) => {
    const share = shares[index] ?? 100;
    return { weight: parted ? Math.max(1, Math.round(weight / (share || 100))) : weight, down: share === 0 ? false : down };
  });
}
