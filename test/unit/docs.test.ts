// Generated pages are fresh, and the pages that people read name only what is there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { rolesText } from "../../provisioners/roles/document.ts";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");

test("docs/roles.md is what the roles' schemas say (UPDATE_GOLDEN=1 writes it)", () => {
  if (process.env.UPDATE_GOLDEN === "1") writeFileSync(join(root, "docs/roles.md"), rolesText());
  expect(read("docs/roles.md")).toBe(rolesText());
});

const pages = ["README.md", "CONTRIBUTING.md", "docs/stack-file.md", "docs/aws.md", "docs/performance.md"];

test.for(pages)("%s links to files that are there", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !target.includes("://"));
  expect(links.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});
