// Amounts in sentences: one of a thing, or several.

/** `1 server`, `3 servers`; of what takes no `s` with its plural: `1 entry`, `2 entries`. */
export const counted = (count: number, what: string, several = `${what}s`): string => `${count} ${count === 1 ? what : several}`;
