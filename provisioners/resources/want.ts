export type { Declared } from "./builder.ts";
export { want } from "./registry.ts";
