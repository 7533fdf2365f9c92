// Before each test file: it gets a project and a temporary folder of its own, and all that it starts inherits them.
import "./own.ts"; // First: it says where the project is.
import { symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll } from "vitest";
import { checkout } from "../../provisioners/project.ts";
import { makeProject } from "../../pulumi/project.ts";
import { own, ownProject } from "./own.ts";
import { disown } from "./own-runs.ts";

makeProject(ownProject);
// As a person types it: ./fleet
symlinkSync(join(checkout, "fleet"), join(ownProject, "fleet"));
// Registered first, it runs last.
afterAll(() => disown(basename(own)));
