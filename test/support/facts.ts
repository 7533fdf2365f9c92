// Facts of an ordinary server, for tests that need some.
import type { Facts } from "../../provisioners/engine/facts.ts";

export const blankFacts: Facts = {
  distribution: "debian",
  version: "12",
  architecture: "amd64",
  cores: 1,
  memoryMiB: 1024,
  container: false,
  packageManager: "apt",
  cloudInit: false,
};
