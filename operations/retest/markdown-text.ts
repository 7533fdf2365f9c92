/** A server's words in a table or list: no markup of theirs counts. */
export const markdownText = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll(/[\\|`*_<>[\]]/g, (each) => `\\${each}`);
