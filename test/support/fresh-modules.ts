// Before each unit test file: the files of a worker share its process and its packages, and what the product's own modules remember is none of theirs.
import { vi } from "vitest";

vi.resetModules();
