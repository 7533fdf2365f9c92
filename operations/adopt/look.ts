// One look at one server, of all that a description is made from.
import type { RunOptions, Shell } from "../../provisioners/engine/shell.ts";
import { askSections, type Answers as SectionAnswers } from "../ask-sections.ts";
import { type SectionName, sections } from "./sections.ts";

export type Answers = SectionAnswers<SectionName>;

/** Changes nothing. Throws HostError. */
export const lookAtServer = async (shell: Shell, options?: RunOptions): Promise<Answers> =>
  await askSections(shell, sections, "look at the server", options);
