// Text by Liquid: strict about what is not defined, and with nothing to read files or run code by.
import { Liquid } from "liquidjs";

export type Filters = Readonly<Record<string, (value: unknown) => string>>;

/** Throws an Error of one line, which says the template's. */
export function liquid(text: string, values: object, filters: Filters = {}): string {
  const engine = new Liquid({ strictVariables: true, strictFilters: true, ownPropertyOnly: true, templates: {} });
  for (const [name, filter] of Object.entries(filters)) engine.registerFilter(name, filter);
  try {
    return engine.parseAndRenderSync(text, values) as string;
  } catch (error) {
    throw new Error((error as Error).message.split("\n")[0]);
  }
}
