// A resource that a role describes wrongly: which one, and which of its properties.
import type { z } from "zod";
import { type Finding, findingsIn } from "../../spec/messages.ts";
import { pathText } from "../../spec/path.ts";

export class WantError extends Error {
  override readonly name = "WantError";
  readonly findings: readonly Finding[];
  /** `file[/etc/motd]`, or its kind alone where what it is called by is wrong. */
  readonly resource: string;
  constructor(resource: string, error: z.ZodError) {
    const findings = findingsIn(error);
    super(findings.map(({ path, reason }) => `${[resource, pathText(path)].filter(Boolean).join(" ")}: ${reason}`).join("\n"));
    this.findings = findings;
    this.resource = resource;
  }
}
