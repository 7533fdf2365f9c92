// How a stack is measured: its benchmark, or a load of our own.
import { z } from "zod";
import { Duration, ServerRef, UnitName, UserName } from "./scalars.ts";

const Text = z.string().min(1).max(16_384);

const Pattern = z
  .string()
  .min(1)
  .max(1000)
  .refine(
    (text) => {
      try {
        new RegExp(text);
        return true;
      } catch {
        return false;
      }
    },
    { error: "expected a regular expression, such as `score: ([0-9]+)`" },
  )
  .describe("a regular expression");

export const LoadRequest = z
  .strictObject({
    path: z
      .string()
      .regex(/^\/[^\s]*$/, { error: "expected a path that begins with /" })
      .describe("what is asked for, with its query"),
    method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).default("GET").describe("default GET"),
    body: z.string().max(65_536).optional().describe("what is sent"),
    headers: z
      .record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string())
      .default({})
      .describe("headers by name; default none"),
    weight: z.int().min(1).max(1000).default(1).describe("how often, beside the others; default 1"),
  })
  .describe("a request of the load");

export const Load = z
  .strictObject({
    server: ServerRef.optional().describe("server that is asked; default the first"),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("scheme, host and port, instead of a server: `https://10.0.0.11`"),
    host: z.string().min(1).max(253).optional().describe("the Host header; default the address"),
    connections: z.int().min(1).max(10_000).default(16).describe("open at once; default 16"),
    duration: Duration.default("30s").describe("how long; default `30s`"),
    before: z.array(LoadRequest).default([]).describe("asked once, in turn, before the load: a POST /initialize; default none"),
    requests: z
      .array(LoadRequest)
      .min(1)
      .default([{ path: "/", method: "GET", headers: {}, weight: 1 }])
      .describe("what is asked for, in turn by every connection; default GET /"),
  })
  .describe("a load of HTTP requests from this computer, by wrk");
export type Load = z.infer<typeof Load>;

export const Profile = z
  .strictObject({
    pprof: z
      .array(z.string().regex(/^https?:\/\/[^\s'"\\]+$/))
      .max(8)
      .default([])
      .describe(
        "where an application answers Go's pprof, as its server reaches it; default `http://127.0.0.1:6060`, if something answers there",
      ),
    programs: z.boolean().default(true).describe("whether py-spy, rbspy and perf are started where they are installed; default true"),
    files: z
      .array(z.string().regex(/^\/[\w./*?-]+$/))
      .max(8)
      .default([])
      .describe(
        "profiles that an application writes itself during a run, folded stacks or `.cpuprofile` of Node: a path with `*`; default none",
      ),
  })
  .describe("profilers around a measured run");
export type Profile = z.infer<typeof Profile>;

export const BenchSpec = z
  .strictObject({
    command: Text.optional().describe(
      "shell text that runs the benchmark and prints the score; `{isu1}` stands for a server's address. Default: `load`",
    ),
    on: ServerRef.optional().describe("server that the command runs on, as `user`; default this computer, in the checkout"),
    user: UserName.optional().describe("who runs it on a server; default the user of the stack file"),
    wait: z
      .boolean()
      .default(false)
      .describe("whether a person starts the benchmark elsewhere, on a portal: the first request begins the measurement; default false"),
    initialize: z
      .string()
      .regex(/^\/[^\s]*$/)
      .default("/initialize")
      .describe("path of the request by which the benchmark begins, for `wait`; default `/initialize`"),
    quiet: Duration.default("10s").describe("without a request for so long, a benchmark that was waited for has ended; default `10s`"),
    load: Load.optional().describe("a load of our own, where there is no command"),
    score: Pattern.optional().describe(
      "how the score stands in the output, its first group the number; default the usual words, else the last number",
    ),
    fail: Pattern.optional().describe("what in the output says that the run failed; default the usual words"),
    profile: Profile.prefault({}).describe("profilers around a measured run: those that are there; default all of them"),
    timeout: Duration.default("10min").describe("how long a run may take; default `10min`"),
    restart: z.array(UnitName).default([]).describe("units restarted on every server that has them, before each run; default none"),
    uris: z.array(Pattern).default([]).describe("patterns of URIs that count as one, as `alp -m` takes them; default found by themselves"),
  })
  .describe("how the servers are measured by `fleet bench`");
export type BenchSpec = z.infer<typeof BenchSpec>;
