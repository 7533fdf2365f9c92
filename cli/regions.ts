// Where in AWS a command looks: the one option of all that look without being told a stack.
import { Option } from "commander";

export const regionOption = (otherwise: string): Option =>
  new Option("--region <region...>", `where to look; by default ${otherwise}`).default([], "none");
