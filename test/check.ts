// npm run check: format, lint, types, unit tests (generated files fresh among them). Needs neither root nor Linux.
import { checks, finish, run } from "./steps.ts";

finish(run(checks));
