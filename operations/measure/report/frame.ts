// A page that is one file: it opens anywhere, loads nothing and runs nothing.
import { type Html, html } from "../../html.ts";
import { style } from "./style.ts";

interface Frame {
  readonly title: string;
  readonly body: Html;
  /** Beside what all pages have. */
  readonly more?: Html;
}

export const framed = ({ title, body, more }: Frame): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title><style>${style}${more}</style></head>
<body>${body}</body></html>
`.text;
