// How good or bad a finding is, as its line shows it.
import type { Finding } from "../operations/doctor/finding.ts";
import { styled } from "./terminal.ts";

const colours = { ok: "green", warning: "yellow", failure: "red" } as const;

/** As wide as the longest. */
export const stateText = (state: Finding["state"]): string => styled(colours[state], state.padEnd("warning".length));
