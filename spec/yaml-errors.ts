// What is wrong with YAML text, in the words of this project.

/** Where one code of the parser covers several mistakes: told apart by the beginning of its (fixed) message. */
const closer: readonly (readonly [RegExp, string])[] = [
  [/^Flow sequence .* end with a \]/, "expected a closing `]`, got none; close the list before this"],
  [/^Flow map .* end with a }/, "expected a closing `}`, got none; close the map before this"],
  [/^Missing closing /, "expected a closing quote, got the end of the text; close the quote that is open"],
  [/^Implicit map keys need/, "expected `key: value`, got no colon; add `: ` and the value"],
];

const sentences: Readonly<Record<string, string>> = {
  ALIAS_PROPS: "expected an alias alone, got one with a tag or an anchor",
  BAD_ALIAS: "expected an alias of an anchor above it, got an unknown or empty one",
  BAD_DIRECTIVE: "expected no such `%` directive; remove the line",
  BAD_DQ_ESCAPE: "expected an escape that YAML knows after `\\`; use single quotes for text as it is",
  BAD_INDENT: "expected the indentation of the lines around it; align this line with its neighbours",
  BAD_SCALAR_START: "expected text that begins with a letter, a digit or a quote; put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "expected one `key: value` a line, got two; put the value in quotes or on a line of its own",
  BLOCK_IN_FLOW: "expected no block inside `[…]` or `{…}`; write it on one line or take the brackets away",
  DUPLICATE_KEY: "expected each key once, got this one again; remove one of the two",
  KEY_OVER_1024_CHARS: "expected a key of at most 1024 characters",
  MISSING_CHAR: "expected a closing quote, bracket, colon or comma, got the end of the text; close it",
  MULTILINE_IMPLICIT_KEY: "expected a key on one line; is a `:` missing or a quote open above?",
  MULTIPLE_ANCHORS: "expected at most one anchor",
  MULTIPLE_DOCS: "expected one document, got a second one; remove the `---`",
  MULTIPLE_TAGS: "expected no tag",
  TAB_AS_INDENT: "expected spaces, got a tab; indent with spaces",
  TAG_RESOLVE_FAILED: "expected no tag; remove the `!…`",
};

/** The parser's mistake in our own words alone: its own may quote the text, and a secret may stand there. */
export const syntaxSentence = (code: string, message: string): string =>
  closer.find(([pattern]) => pattern.test(message))?.[1] ??
  sentences[code] ??
  "expected YAML; look at the quotes, colons and indentation here";
