// A server's size as templates count with it.
import type { Machine } from "../../templates/words.ts";
import type { RoleContext } from "./role.ts";

export const machineOf = ({ facts, shared }: Pick<RoleContext<unknown>, "facts" | "shared">): Machine => ({
  memoryMiB: facts.memoryMiB,
  cores: facts.cores,
  shared,
  ...(facts.diskMiB !== undefined && { diskMiB: facts.diskMiB }),
});
