// An option that may be given more than once: all that was said, in that order.
export const several = (text: string, before: readonly string[]): readonly string[] => [...before, text];
